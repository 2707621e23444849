package logs

import (
	"sync/atomic"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/nowait"
)

// A message waits among at most queueLength; flushPatience is how long the end
// of the process waits for them.
const (
	queueLength   = 256
	flushPatience = time.Second
)

// sink writes one entry, and may block.
type sink func(entry)

// queue stands between those who log, who must not wait, and a sink that may
// block: sending to journald waits while its socket is full.
type queue struct {
	entries chan queued
	lost    atomic.Uint64
}

// queued is an entry, or a mark: done is closed when all before it is written.
type queued struct {
	entry
	done chan struct{}
}

func newQueue(write sink) *queue {
	q := &queue{entries: make(chan queued, queueLength)}
	go q.run(func(e entry) { nowait.Blocking(func() { write(e) }) })
	return q
}

func (q *queue) run(write sink) {
	for e := range q.entries {
		if e.done != nil {
			close(e.done)
			continue
		}
		if n := q.lost.Swap(0); n > 0 {
			said := event.MessagesLost.With(event.LeftOut(n))
			write(entry{at: e.at, level: said.Level, message: said.String(), attrs: said.Fields})
		}
		write(e.entry)
	}
}

// put does not wait.
func (q *queue) put(e entry) {
	select {
	case q.entries <- queued{entry: e}:
	default:
		q.lost.Add(1)
	}
}

// flush waits until what was put before is written, but not for long.
func (q *queue) flush() {
	late := time.After(flushPatience)
	mark := queued{done: make(chan struct{})}
	select {
	case q.entries <- mark:
	case <-late:
		return
	}
	select {
	case <-mark.done:
	case <-late:
	}
}
