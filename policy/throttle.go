package policy

import "time"

// throttle is the pause of worker creation (R6).
type throttle struct {
	on         bool
	due        Instant
	next       time.Duration // the coming pause, when pauses grow
	generation uint64        // the last one born before the pause
	cause      Action
	shortage   bool // of the system: the end of any worker ends it
}

// beginThrottle starts the pause; no-op if on. The delay in force now is used.
func (s *Service) beginThrottle(cause Action) {
	t := &s.throttle
	if t.on {
		return
	}
	t.on, t.due, t.generation = true, s.now+s.pause(), s.generation
	s.wanted = 0
	s.counters.Throttles++
	cause.Kind, cause.Until = Throttle, t.due
	t.cause = cause
	s.emit(cause)
	s.reevaluate()
}

// pause is how long this pause lasts, and makes the next one twice as long,
// unless it is a shortage.
func (s *Service) pause() time.Duration {
	t := &s.throttle
	if t.shortage || s.cfg.ThrottleMax <= s.cfg.ThrottleDelay {
		return s.cfg.ThrottleDelay
	}
	d := min(max(t.next, s.cfg.ThrottleDelay), s.cfg.ThrottleMax)
	t.next = 2 * d
	return d
}

// unthrottle ends the pause; no-op if off.
func (s *Service) unthrottle(why Why) {
	if !s.throttle.on {
		return
	}
	s.throttle.on, s.throttle.due, s.throttle.shortage = false, far, false
	s.emit(Action{Kind: Unthrottle, Why: why})
	s.reevaluate()
}

// recover makes pauses short again. Only a job finished by a worker born since
// the trouble shows that births are good again; an old one proves nothing.
func (s *Service) recover(w *worker) {
	s.quick = 0
	if w.generation > s.throttle.generation {
		s.throttle.next = 0
	}
}
