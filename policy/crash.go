package policy

import "time"

// This file tells a worker that could not be started from one that crashed at its
// work. exit.go and retire.go ask startedWell about each bad end, and call crashed where
// that is so.
//
// The original pauses creation whenever a worker ends badly before its first
// finished job (R5), so a client that asks for the one page that crashes stops the
// service for everybody. With CrashIsNoFailure a worker that is known to have taken
// a connection has started well: its crash costs the request and the slot, and a
// replacement may be started at once.
//
// That must not become an endless series of starts. When all requests crash, every
// client costs a process and none is served. So creation pauses, too, after more
// than burstSize bad ends within burstPeriod while no request of the service has
// been finished for crashPeriod. A service that has never finished one may have just
// begun, so there the bad ends have to go on for firstLong before they count.

const (
	// burstSize bad ends within burstPeriod are what some clients and one page may
	// cause. One more is a service that may not work at all.
	burstSize   = 10
	burstPeriod = time.Second
	// crashPeriod is how long no request may have been finished for a burst to
	// mean that everything crashes.
	crashPeriod = 10 * time.Second
	// firstLong is how long bad ends go on before they count in a service that has never
	// finished a request: those that do not crash take longer than those that do.
	firstLong = 2 * time.Second
)

// burst remembers the latest bad ends, to see when they come too fast.
type burst struct {
	ends [burstSize]Instant
	next int  // place of the oldest of them
	many bool // there were burstSize at least
}

// add books a bad end, and reports whether it makes more than burstSize of them
// within burstPeriod.
func (b *burst) add(now Instant) bool {
	tooMany := b.many && now-b.ends[b.next] <= burstPeriod
	b.ends[b.next] = now
	b.next = (b.next + 1) % burstSize
	b.many = b.many || b.next == 0
	return tooMany
}

// startedWell reports whether the bad end of w says nothing about starts, because
// w is known to have taken a connection, or is believed to.
func (x *exits) startedWell(w *worker) bool {
	return x.cfg.CrashIsNoFailure && (w.taken || x.infer.on && x.infer.mayHaveAccepted(w))
}

// mayHaveStarted reports whether it is too early to call the bad end of w a failed start.
func (x *exits) mayHaveStarted(w *worker) bool {
	return x.startedWell(w) || x.infer.mayHaveTaken(w)
}

// crashed books the bad end of a worker that had started well, and throttles
// when that is all that workers do.
func (x *exits) crashed(w *worker, e End) {
	if x.infer.on && !w.taken {
		x.infer.crashed(w, e)
		return
	}
	if x.firstCrash == never {
		x.firstCrash = x.now
	}
	again := x.throttle.next > 0 && x.throttle.cause.Why == BadEnds
	isNew := x.lastDone == never && !again && x.now-x.firstCrash < firstLong
	if x.crashes.add(x.now) && x.lastDone < x.now-crashPeriod && !isNew {
		x.crashes = burst{} // after the pause as many are tried again: one may work
		x.badStart(w, Action{Why: BadEnds, Worker: w.id, End: e, Generation: w.generation})
	}
}
