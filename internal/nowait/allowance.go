package nowait

import (
	"time"

	"golang.org/x/sys/unix"
)

// Allowance bounds how much processor time something uses that is done again and again,
// and may be left out: one part in Share of a processor in the long run, and some more at
// once after a time without. It belongs to one goroutine.
type Allowance struct {
	Share int // 100 = a hundredth of a processor
	// MostOwed bounds by how much what was used once can be above that; 0 = it is not bounded.
	// For what must not be left out for long, and is known to cost little: on a busy machine,
	// and where memory is short, far more is booked at times.
	MostOwed time.Duration

	credit  time.Duration
	at      time.Time     // … as of then
	started time.Duration // processor time of this thread
	whole   time.Duration // … and of the process
	thread  int
}

// MostSaved is how much may be used at once.
const MostSaved = 20 * time.Millisecond

// Begin reports whether there is some left. If so, End has to follow.
func (a *Allowance) Begin() bool {
	now := time.Now()
	if a.at.IsZero() {
		a.credit = MostSaved
	} else {
		a.credit = min(a.credit+now.Sub(a.at)/time.Duration(a.Share), MostSaved)
	}
	a.at, a.started, a.whole, a.thread = now, timeOf(unix.CLOCK_THREAD_CPUTIME_ID), timeOf(unix.CLOCK_PROCESS_CPUTIME_ID), unix.Gettid()
	return a.credit > 0
}

// End books what was used. A goroutine that was moved to another thread meanwhile counts
// with what the whole process has used: on a busy machine it is moved often, and most of the
// time that passes is others'.
func (a *Allowance) End() {
	if unix.Gettid() == a.thread {
		a.credit -= timeOf(unix.CLOCK_THREAD_CPUTIME_ID) - a.started
	} else {
		a.credit -= min(timeOf(unix.CLOCK_PROCESS_CPUTIME_ID)-a.whole, time.Since(a.at))
	}
	if a.MostOwed > 0 {
		a.credit = max(a.credit, -a.MostOwed)
	}
}

// leastSaved is what is left when Rest is over.
const leastSaved = 100 * time.Microsecond

// Rest is how long it takes until there is some left again; 0 = there is.
func (a *Allowance) Rest() time.Duration {
	if a.credit > 0 {
		return 0
	}
	return (leastSaved - a.credit) * time.Duration(a.Share)
}

func timeOf(clock int32) time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(clock, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
