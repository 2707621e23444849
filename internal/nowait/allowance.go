package nowait

import (
	"runtime"
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
}

// MostSaved is how much may be used at once.
const MostSaved = 20 * time.Millisecond

// Begin reports whether there is some left. If so, End has to follow, and the goroutine has the
// thread for itself until then: what it uses cannot be told otherwise, as it is moved to
// another thread often on a busy machine.
func (a *Allowance) Begin() bool {
	if a.refill(); a.credit <= 0 {
		return false
	}
	a.start()
	return true
}

// BeginAnyway is Begin for what has to be done although there may be nothing left.
func (a *Allowance) BeginAnyway() {
	a.refill()
	a.start()
}

func (a *Allowance) refill() {
	now := time.Now()
	if a.at.IsZero() {
		a.credit = MostSaved
	} else {
		a.credit = min(a.credit+now.Sub(a.at)/time.Duration(a.Share), MostSaved)
	}
	a.at = now
}

func (a *Allowance) start() {
	runtime.LockOSThread()
	a.started = timeOf(unix.CLOCK_THREAD_CPUTIME_ID)
}

// End books what was used.
func (a *Allowance) End() {
	a.credit -= timeOf(unix.CLOCK_THREAD_CPUTIME_ID) - a.started
	runtime.UnlockOSThread()
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
