package policy

import "time"

// This file infers from the accept queues how busy workers are that do not report. The
// caller answers each Sample action with Sampled; that measures the queues (queue.go),
// books accepted connections (accepted.go), and then starts workers or finds them idle.

// infer is what is known of workers that do not report: nothing but the accept
// queues, in samples. While a queue is not empty it is sampled each quarter of
// QueueDelay; if it never was empty over a whole delay, all are busy, and one
// more worker may start. When it is empty, all are idle. In between the sockets
// sit in the set for one wake-up. It is off as soon as a worker reports.
type infer struct {
	*core
	listening *listening
	starts    *starts
	reports   *reports
	deadlines *deadlines
	exits     *exits
	throttle  *throttle
	work      *work
	guard     *guard
	shrink    *shrink
	rolling   *rolling

	on         bool
	reported   bool // a worker has reported, so that it stays off
	busy       bool
	woken      bool    // the sample that is due was asked for by a readable socket
	late       bool    // it comes much later than it was to
	due        Instant // of the next sample; far = the sockets are watched
	since      Instant // the queue has not been empty since; never = it is
	delay      Instant // beginning of the delay that is under way
	seen       int     // samples in it
	acceptedAt Instant // it was last seen that somebody has accepted; never = it was not yet
	newAt      Instant // … and no older worker can have, as all had gone at the look before that
	sampledAt  Instant // the latest sample
	startup    time.Duration
	queues     []queue
	window     window
	storm      storm
	doubt      doubt
	unclear    unclear

	inspecting bool // an Inspect action was not answered yet
	nextCount  Instant
	blind      bool // the descriptors of workers cannot be looked at
}

// Times of the inference.
const (
	// badWindow is the age up to which a bad end is a bad start, if the queue
	// has not shrunk meanwhile, and how long a first worker may take to accept.
	badWindow = 10 * time.Second
	// samples is how many there are in a delay.
	samples = 4
	// breather is how many delays the sockets are left alone after their queues
	// were found empty: two wake-ups, this one and the one at its end, in so long.
	breather = 2
	// starved is how many delays connections wait until late samples count, too.
	starved = 10
)

// wish is the wish where nobody reports.
func (f *infer) wish() Watch {
	switch {
	case f.table.available()+f.pending.n() == 0: // nobody is there who could accept
		f.restart()
		if f.rolling.mayGrow() {
			return WatchOn
		}
		return WatchOff
	case f.woken || f.due != far:
		return WatchOff
	default:
		return WatchOnce
	}
}

// restart forgets what the samples have said.
func (f *infer) restart() {
	f.busy, f.woken, f.late, f.due, f.since = false, false, false, far, never
}

// woke: a socket is readable.
func (f *infer) woke() {
	f.woken = true
	f.work.touch()
	f.emit(Action{Kind: Sample})
	f.listening.settle()
}

// cold: a connection waits and nobody is there.
func (f *infer) cold() {
	f.work.touch()
	f.since, f.due = f.now, f.now+f.cfg.QueueDelay
	f.beginDelay()
	f.reports.heard()
}

func (f *infer) tick() {
	f.tickLook()
	if f.on && f.now >= f.due {
		f.late = f.now-f.due > f.cfg.QueueDelay/samples
		f.due = f.now + f.cfg.QueueDelay // should the answer fail to come
		f.emit(Action{Kind: Sample})
	}
}

// Sampled says how many connections wait at each socket; Unsure where all that
// is known is that some do. It answers a Sample action, and should come before
// the ends of a turn, so that what a worker took before its end is known.
func (s *Service) Sampled(now Instant, depths []int) []Action {
	s.begin(now)
	i := &s.infer
	if !i.on || s.throttle.on || s.draining {
		return s.actions
	}
	before := i.sampledAt
	i.sampledAt = now
	waiting, accepted, ignored := s.infer.measure(depths)
	if waiting == 0 && !ignored && (i.woken || i.since != never) {
		accepted = max(accepted, 1) // one waited, and does not any more
	}
	if accepted > 0 {
		s.infer.noteAccepted(accepted, waiting, before)
	}
	if waiting > 0 {
		s.infer.queueWaits(waiting)
	} else if ignored {
		s.infer.queueIgnored()
	} else {
		s.infer.queueEmpty()
	}
	i.woken, i.late = false, false
	if i.window.touched {
		s.infer.count()
	}
	s.shrink.end(waiting > 0 || ignored)
	s.listening.settle()
	return s.end()
}

// queueEmpty: all are idle.
func (f *infer) queueEmpty() {
	was := f.busy
	found := f.woken || f.since != never
	f.busy, f.since = false, never
	switch {
	case found:
		f.window.touched = true
		f.work.touch()
		f.due = f.now + breather*f.cfg.QueueDelay
	default:
		f.due = far
	}
	if was {
		f.listening.reevaluate()
	}
}

// queueIgnored: those that wait are not accepted by anybody, as far as can be seen.
// Workers that were added did not help them, so no more are; but clients that wait are
// not served, which is the contrary of a pool that has workers to spare. Whether
// somebody has begun to accept is asked again and again.
func (f *infer) queueIgnored() {
	was := f.busy
	f.busy, f.since = f.table.idle > 0, never
	f.window.touched = true
	f.work.touch()
	f.window.busy += samples * breather
	f.due = f.now + samples*breather*f.cfg.QueueDelay
	if f.freshly() {
		f.due = f.now + f.cfg.QueueDelay
	}
	f.inspect()
	if was != f.busy {
		f.listening.reevaluate()
	}
}

// queueWaits: all are busy, if that has been so for a delay.
func (f *infer) queueWaits(waiting int) {
	f.window.touched = true
	f.work.touch()
	f.reports.heard()
	if f.since == never {
		f.since = f.now
		f.beginDelay()
	} else {
		f.window.felt = true
	}
	// A time in which this process itself did not get the machine says nothing: an
	// idle worker did not either.
	if f.late && f.now-f.since < starved*f.cfg.QueueDelay {
		f.beginDelay()
	}
	if f.seen++; f.now-f.delay >= f.cfg.QueueDelay && f.seen > samples {
		f.busy = f.table.idle > 0
		f.window.busy++
		f.listening.reevaluate()
		f.starts.wanted = f.startsFor(waiting)
		f.starts.grow()
		f.beginDelay()
		f.seen = 1 // this sample begins the next one
	} else if f.seen >= samples {
		f.inspect() // so that the answer is there at the end of the delay
	}
	f.due = f.now + f.cfg.QueueDelay
	if f.wantsMore(waiting) || f.since > f.now-f.cfg.QueueDelay {
		f.due = f.now + f.cfg.QueueDelay/samples
	}
}

// wantsMore reports whether there may be a start as soon as it shows that all are busy,
// or that one which is starting has come.
func (f *infer) wantsMore(waiting int) bool {
	return waiting > f.unproven() && f.belowLimit() && !f.throttle.on && !f.draining
}

func (f *infer) beginDelay() { f.delay, f.seen = f.now, 0 }

// startsFor is how many workers those deserve that wait for nobody who is
// still to come: one, or several where several may be starting.
func (f *infer) startsFor(waiting int) int {
	n := waiting - f.unproven()
	if most := f.cfg.maxStarting(); most > 1 {
		n = min(n, most-f.places())
	} else {
		n = min(n, 1)
	}
	if f.cfg.Limit > 0 {
		n = min(n, f.cfg.Limit-f.total())
	}
	if f.throttle.on || f.draining || f.rolling.holdsBack() {
		return 0
	}
	return max(n, 0)
}
