package policy

// rest is the wish to leave: a service that has had no workers and nothing to
// do for a while need not run, its socket will start it again.
type rest struct{ due Instant }

// noteRest follows it at the end of every event.
func (s *Service) noteRest() {
	resting := s.cfg.ExitIdleTime > 0 && s.total() == 0 && !s.throttle.on && !s.draining && !s.rollOut.on
	switch {
	case !resting:
		s.rest.due = far
	case s.rest.due == far:
		s.rest.due = s.now + s.cfg.ExitIdleTime
	}
}

// tickRest asks the caller to leave if no connection waits. If one does, a new
// period begins.
func (s *Service) tickRest() {
	if s.now >= s.rest.due {
		s.rest.due = far
		s.emit(Action{Kind: Leave})
	}
}
