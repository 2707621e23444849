package loop

import (
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file says when a pool is full and when it is not any more, without a message for
// each request. The end of a turn calls followFull, by way of load.go.

// fullPeriod is how long the pool must not have been full before it counts as
// no longer full. A saturated pool has a free worker for an instant after every
// request; told each time, that would be a message per request.
const fullPeriod = time.Second

// fullness is whether the pool is full, as people are told.
type fullness struct {
	on     bool
	warned bool // the limit warning was logged, so its end is worth a line
	since  policy.Instant
	clear  policy.Instant // it ends then, unless full again; 0 = it is full
}

// follow books the present condition, and reports whether an end is to be
// logged.
func (f *fullness) follow(c policy.Condition, now policy.Instant) (ended bool) {
	switch {
	case c.Full && !f.on:
		*f = fullness{on: true, warned: f.warned, since: c.FullSince}
	case c.Full:
		f.clear = 0
	case f.on && f.clear == 0:
		f.clear = now + fullPeriod
	case f.on && now >= f.clear:
		ended = f.warned && !c.Draining
		*f = fullness{since: f.since}
	}
	return ended
}

func (l *load) followFull(c policy.Condition) {
	if l.full.follow(c, l.now) {
		l.say(event.FullEnds, event.Took(l.now-fullPeriod-l.full.since))
	}
}
