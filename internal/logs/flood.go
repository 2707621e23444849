package logs

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
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

// pass reports whether e is to be written. write is used later for the line
// about those that were not.
func (f *flood) pass(e entry, write sink) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	kind := e.field(Event)
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
	e.message = fmt.Sprintf("%d more messages of the kind %q in the last %d s were left out", n, kind, int(floodPeriod.Seconds()))
	e.attrs = []slog.Attr{slog.String(service, e.field(service)), slog.Int("left_out", n)}
	write(e)
}
