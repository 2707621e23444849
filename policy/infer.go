package policy

import "time"

// infer is what is known of workers that do not report: nothing but the accept
// queues, in samples. While a queue is not empty it is sampled each quarter of
// QueueDelay; if it never was empty over a whole delay, all are busy, and one
// more worker may start. When it is empty, all are idle. In between the sockets
// sit in the set for one wake-up. It is off as soon as a worker reports.
type infer struct {
	on       bool
	reported bool // a worker has reported, so that it stays off
	busy     bool
	woken    bool    // the sample that is due was asked for by a readable socket
	late     bool    // it comes much later than it was to
	due      Instant // of the next sample; far = the sockets are watched
	since    Instant // the queue has not been empty since; never = it is
	delay    Instant // beginning of the delay that is under way
	seen     int     // samples in it
	taken    Instant // the queue was last seen to shrink; never = it was not yet
	startup  time.Duration
	queues   []queue
	window   window
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

// inferWish is the wish where nobody reports.
func (s *Service) inferWish() Watch {
	switch {
	case s.table.available()+s.pending.n() == 0: // nobody is there who could accept
		s.infer.restart()
		if s.belowLimit() {
			return WatchOn
		}
		return WatchOff
	case s.infer.woken || s.infer.due != far:
		return WatchOff
	default:
		return WatchOnce
	}
}

// restart forgets what the samples have said.
func (i *infer) restart() {
	i.busy, i.woken, i.late, i.due, i.since = false, false, false, far, never
}

// inferWoke: a socket is readable.
func (s *Service) inferWoke() {
	s.infer.woken = true
	s.emit(Action{Kind: Sample})
	s.settle()
}

// inferCold: a connection waits and nobody is there.
func (s *Service) inferCold() {
	i := &s.infer
	i.since, i.due = s.now, s.now+s.cfg.QueueDelay
	s.beginDelay()
	s.heard()
}

func (s *Service) tickInfer() {
	if s.infer.on && s.now >= s.infer.due {
		s.infer.late = s.now-s.infer.due > s.cfg.QueueDelay/samples
		s.infer.due = s.now + s.cfg.QueueDelay // should the answer fail to come
		s.emit(Action{Kind: Sample})
	}
}

// Infers reports whether availability is inferred from samples now.
func (s *Service) Infers() bool { return s.infer.on }

// Sampled says how many connections wait at each socket; Unsure where all that
// is known is that some do. It answers a Sample action, and should come before
// the ends of a turn, so that what a worker took before its end is known.
func (s *Service) Sampled(now Instant, depths []int) []Action {
	s.begin(now)
	i := &s.infer
	if !i.on || s.throttle.on || s.draining {
		return s.actions
	}
	waiting, gone, ignored := s.measure(depths)
	if waiting == 0 && !ignored && (i.woken || i.since != never) {
		gone = max(gone, 1) // one waited, and does not any more
	}
	if gone > 0 {
		s.took(gone, waiting)
	}
	if waiting > 0 {
		s.queueWaits(waiting)
	} else {
		s.queueEmpty(ignored)
	}
	i.woken, i.late = false, false
	s.settle()
	return s.end()
}

// queueEmpty: all are idle.
func (s *Service) queueEmpty(ignored bool) {
	i := &s.infer
	was := i.busy
	found := i.woken || i.since != never
	i.busy, i.since = false, never
	switch {
	case ignored:
		i.due = s.now + samples*breather*s.cfg.QueueDelay
	case found:
		i.window.touched = true
		i.due = s.now + breather*s.cfg.QueueDelay
	default:
		i.due = far
	}
	if was {
		s.reevaluate()
	}
}

// queueWaits: all are busy, if that has been so for a delay.
func (s *Service) queueWaits(waiting int) {
	i := &s.infer
	i.window.touched = true
	s.heard()
	if i.since == never {
		i.since = s.now
		s.beginDelay()
	} else {
		i.window.felt = true
	}
	// A time in which this process itself did not get the machine says nothing: an
	// idle worker did not either.
	if i.late && s.now-i.since < starved*s.cfg.QueueDelay {
		s.beginDelay()
	}
	if i.seen++; s.now-i.delay >= s.cfg.QueueDelay && i.seen > samples {
		i.busy = s.table.idle > 0
		i.window.busy++
		s.reevaluate()
		s.wanted = s.inferBirths(waiting)
		s.grow()
		s.beginDelay()
		i.seen = 1 // this sample begins the next one
	}
	i.due = s.now + s.cfg.QueueDelay
	if s.inferBirths(waiting) > 0 || i.since > s.now-s.cfg.QueueDelay {
		i.due = s.now + s.cfg.QueueDelay/samples
	}
}

func (s *Service) beginDelay() { s.infer.delay, s.infer.seen = s.now, 0 }

// inferBirths is how many workers those deserve that wait for nobody who is
// still to come: one, or several where several may be starting.
func (s *Service) inferBirths(waiting int) int {
	n := waiting - s.unproven()
	if most := s.cfg.maxStarting(); most > 1 {
		n = min(n, most-s.unproven())
	} else {
		n = min(n, 1)
	}
	if s.cfg.Limit > 0 {
		n = min(n, s.cfg.Limit-s.total())
	}
	if s.throttle.on || s.draining {
		return 0
	}
	return max(n, 0)
}

// believe ends the inference: a worker has said how it is. All others are idle
// until they say otherwise, as they would have said so when they accepted.
func (s *Service) believe() {
	if s.infer.reported {
		return
	}
	s.infer.reported = true
	s.setInference()
	s.replan()
}

// setInference turns it on or off as the configuration and the workers want it.
func (s *Service) setInference() {
	was := s.infer.on
	s.infer.on = s.cfg.QueueDelay > 0 && !s.infer.reported
	if was != s.infer.on {
		s.infer.restart()
		s.unguard()
	}
}
