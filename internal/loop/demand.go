package loop

import (
	"time"

	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// This file measures how many clients wait while a pool is full, which is what says
// which limit would do. The end of a turn calls it, when STATUS= is composed.

// While the pool is full, the queue is looked at in turns that come anyway, at
// most once in lookPause. Where long sessions hold all workers none may come
// for hours: then once in lookPeriod.
const (
	lookPause  = 100 * time.Millisecond
	lookPeriod = 10 * time.Second
)

// need follows how many workers are busy, or would be if there were more, for
// the tally.
type need struct {
	wasFull bool           // at the end of the turn before
	counted policy.Instant // the time in which it was full is in the window up to here
	looked  policy.Instant // at the queue
	waiting int            // … and found so many
	due     policy.Instant // for another look; 0 = it is not full
}

// noteDemand ends a turn. Its cost is that of some comparisons, but for the
// looks.
func (l *load) noteDemand(c policy.Condition) {
	n := &l.need
	if l.full.on && (c.Full || n.wasFull) {
		l.tally.Demand.Full(max(n.counted, l.full.since), l.now)
		n.counted = l.now
	}
	n.wasFull, n.due = c.Full, 0
	level := c.Serving
	if c.Full {
		if l.now >= n.looked+lookPause {
			n.waiting, _ = l.sockets.waiting()
			n.looked = l.now
		}
		n.due = n.looked + lookPeriod
		level += n.waiting
	}
	if l.busiest > level {
		l.tally.Demand.Note(l.now, l.busiest)
	}
	l.busiest = 0
	l.tally.Demand.Note(l.now, level)
	l.advise(c)
}

// demandState is what the last day would have needed.
func (l *load) demandState(c policy.Condition) status.Demand {
	l.noteDemand(c)
	w := &l.tally.Demand
	d := status.Demand{Peak: w.Peak(l.now), FullSeconds: w.FullFor(l.now).Seconds()}
	l.bookAdvice(c) // of the stretch that is under way
	if need := w.Need(l.now); c.Limit > 0 && need > c.Limit {
		d.AdvisedLimit = &need
	}
	return d
}
