package loop

import (
	"time"

	"github.com/availd/availd/policy"
)

// This file works out which limit a full pool should have. Those that wait are no
// measure of that: a queue that was allowed to get long is as long as the overload has
// lasted. What counts is how many workers the clients that come keep busy: the number
// that come in a second times the mean time of a request. Both are known while the pool
// is full: so many requests were done in the time for which so many workers were busy,
// and as many more came as the queue has become longer.

// overload is a stretch of time in which the pool is full.
type overload struct {
	began   policy.Instant // 0 = it is not full
	at      policy.Instant // busy is summed up to here
	busy    time.Duration  // of all workers
	level   int            // busy workers since then
	done    uint64         // requests at its beginning
	waiting int            // connections at its beginning
}

const (
	// adviceLong is how long a stretch is; adviceShort the least that tells something.
	adviceLong  = 10 * time.Second
	adviceShort = 3 * time.Second
	// fewRequests is how many have to be done in it; fewer are sessions, and everyone
	// who waits for one needs a worker of its own.
	fewRequests = 20
	// adviceWait is the mean wait that the limit is to allow: the default of --queue-delay.
	adviceWait = 20 * time.Millisecond
)

// advise ends a turn.
func (l *load) advise(c policy.Condition) {
	a := &l.overload
	switch {
	case !l.full.on && a.began > 0:
		if l.now <= a.at+2*fullPeriod { // else nobody knows what was meanwhile
			l.bookAdvice(c)
		}
		*a = overload{}
	case l.full.on && a.began == 0:
		l.beginAdvice(c)
	case a.began > 0:
		a.busy += time.Duration(a.level) * (l.now - a.at)
		a.at, a.level = l.now, c.Serving
		if l.now >= a.began+adviceLong {
			l.bookAdvice(c)
			l.beginAdvice(c)
		}
	}
}

func (l *load) beginAdvice(c policy.Condition) {
	n, _ := l.sockets.waiting()
	l.overload = overload{began: l.now, at: l.now, level: c.Serving, done: l.finished(c), waiting: n}
}

// finished is how many requests were done. With inetd each is a worker's.
func (l *load) finished(c policy.Condition) uint64 {
	if l.cfg.PerConnection {
		return c.Counters.Exited
	}
	return c.Counters.Requests
}

// bookAdvice writes down what the stretch up to now has shown.
func (l *load) bookAdvice(c policy.Condition) {
	a := &l.overload
	span := l.now - a.began
	if a.began == 0 || span < adviceShort || c.Inferred || c.Limit == 0 {
		return // nobody counts requests where nobody reports
	}
	done := float64(l.finished(c) - a.done)
	waiting, _ := l.sockets.waiting()
	need := c.Serving + waiting
	if done >= fewRequests {
		busy := a.busy + time.Duration(a.level)*(l.now-a.at)
		came := max(0, done+float64(waiting-a.waiting))
		work := time.Duration(float64(busy) / done)
		need = workersFor(came/span.Seconds()*work.Seconds(), work, adviceWait)
	}
	l.tally.Demand.Needs(l.now, need)
}
