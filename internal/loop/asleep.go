package loop

import (
	"time"

	"github.com/availd/availd/policy"
)

// This file finds out which starts wait, for --max-starting=auto: such a start leaves its
// place to another one. A turn calls follow near its end. It is only looked while the places
// are taken and more workers may be needed: a clock is read for each worker that is starting,
// and a file of /proc for each that seems to wait.

// The time until the next look: at first, and at most. It doubles while nobody begins.
const (
	firstLookAsleep = time.Millisecond
	lastLookAsleep  = 250 * time.Millisecond
	// asleepShare is the part of a processor below which a start does not compute. It is
	// small, as a process that wants to compute gets little of a busy machine.
	asleepShare = 16
	// asleepThreads is for how long one with several threads has to be below that. Of one
	// with a single thread its state tells that it does not wait for a processor.
	asleepThreads = 10 * time.Millisecond
	// asleepRest is what a start may still have to compute when it is said to wait.
	asleepRest = 5 * time.Millisecond
)

// asleep are the looks at starts.
type asleep struct {
	*core
	due   policy.Instant // the next one; 0 = there is none
	pause time.Duration
	seen  map[int]startSeen // by pid
	ids   []int             // scratch of look
	// cost is the processor time that a start takes: of the dearest of the last ones. One that
	// waits first and computes then is known by it.
	cost time.Duration
}

// startSeen is what was seen of one.
type startSeen struct {
	cpu    time.Duration
	at     policy.Instant
	asleep bool
}

// follow looks if it is time to.
func (a *asleep) follow() {
	if a.seams.CPUTime == nil {
		return
	}
	a.learn()
	switch {
	case !a.policy.Crowded():
		a.due = 0
	case a.due == 0:
		a.pause, a.due = firstLookAsleep, a.now+firstLookAsleep
	case a.now >= a.due:
		a.look()
	}
}

// learn forgets those that are not starting any more, and keeps what their start has taken.
func (a *asleep) learn() {
	for pid := range a.seen {
		if a.policy.IsStarting(pid) {
			continue
		}
		delete(a.seen, pid)
		if cpu, ok := a.seams.CPUTime(pid); ok && a.procs[pid] != nil {
			a.cost = max(cpu, a.cost-a.cost/4)
		}
	}
}

// look looks at all that are starting, at those that were seen to wait, too.
func (a *asleep) look() {
	a.pause = min(2*a.pause, lastLookAsleep)
	a.ids = a.policy.Starters(a.ids[:0])
	for _, pid := range a.ids {
		if p := a.procs[pid]; p == nil || p.order != nil || p.starting { // it is no process yet, or not that of the command
			continue
		}
		if cpu, ok := a.seams.CPUTime(pid); ok {
			a.lookAt(pid, cpu)
		}
	}
	a.due = a.now + a.pause
}

func (a *asleep) lookAt(pid int, cpu time.Duration) {
	s, known := a.seen[pid]
	passed := a.now - s.at
	switch {
	case !known:
		a.pause = firstLookAsleep
		s = startSeen{cpu: cpu, at: a.now}
	case (cpu-s.cpu)*asleepShare > passed:
		s = startSeen{cpu: cpu, at: a.now}
	case s.asleep:
		s.at, s.cpu = a.now, cpu
	default:
		s.asleep = a.waits(pid, cpu, passed)
	}
	a.seen[pid] = s
	a.apply(a.policy.Asleep(a.now, pid, s.asleep))
}

// waits judges one that has hardly used a processor for some time.
func (a *asleep) waits(pid int, cpu, passed time.Duration) bool {
	if passed < firstLookAsleep || cpu+asleepRest < a.cost {
		return false
	}
	waits, alone := a.seams.Waits(pid)
	return waits && (alone || passed >= asleepThreads)
}
