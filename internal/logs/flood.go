package logs

import (
	"sync"
	"time"

	"github.com/availd/availd/internal/event"
)

// The rate of one kind of message.
const (
	floodMost   = 10
	floodPeriod = 10 * time.Second
)

// flood counts the messages of each kind. Its lock is needed because a line
// about the messages left out is written when the period ends, whether or not
// another message comes.
type flood struct {
	mu    sync.Mutex
	kinds map[string]*tally
}

type tally struct {
	began   time.Time
	passed  int
	leftOut int
}

func newFlood() *flood { return &flood{kinds: map[string]*tally{}} }

// pass reports whether e, of a kind, is to be written. write is used later for the line
// about those that were not.
func (f *flood) pass(kind string, e entry, write sink) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.kinds[kind]
	if t == nil {
		t = &tally{}
		f.kinds[kind] = t
	}
	if t.leftOut == 0 && time.Since(t.began) >= floodPeriod {
		*t = tally{began: time.Now()}
	}
	if t.passed < floodMost {
		t.passed++
		return true
	}
	if t.leftOut == 0 {
		time.AfterFunc(time.Until(t.began.Add(floodPeriod)), func() { f.settle(t, kind, e, write) })
	}
	t.leftOut++
	return false
}

// settle ends a period in which messages were left out, of which e was the
// first. The line about them is of no kind: it does not say what they do.
func (f *flood) settle(t *tally, kind string, e entry, write sink) {
	f.mu.Lock()
	n := t.leftOut
	*t = tally{}
	f.mu.Unlock()
	e.at = time.Now()
	said := event.MessagesLeftOut.With(event.LeftOut(uint64(n)), event.Kind(kind), event.Seconds(int(floodPeriod.Seconds())))
	e.message, e.attrs = said.String(), append(e.attrs, said.Fields...)
	write(e)
}
