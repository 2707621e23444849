package policy

// shrink is the window over which the smallest number of idle workers is
// looked for. It opens when there is a surplus and closes when there is none,
// so that a pool at rest has no timer. A steady load never makes it retire
// anybody that the load needs again.
type shrink struct {
	ends Instant // far = closed
	low  int
}

// noteIdle follows the number of idle workers.
func (s *Service) noteIdle() { s.followIdle(s.table.idle) }

func (s *Service) followIdle(n int) {
	switch {
	case s.cfg.IdleTimeout == 0 || n <= s.cfg.MinSpare || s.draining || s.cfg.NoRetireSignal:
		s.shrink.ends = far
	case s.shrink.ends == far:
		s.shrink = shrink{ends: s.now + s.cfg.IdleTimeout, low: n}
		s.infer.window = window{}
	default:
		s.shrink.low = min(s.shrink.low, n)
	}
}

// tickShrink retires what nobody needed during the window, oldest first. A
// worker that holds clients is not idle in this sense.
func (s *Service) tickShrink() {
	if s.now < s.shrink.ends {
		return
	}
	n := s.shrink.low - s.cfg.MinSpare
	if s.infer.on {
		n = s.surplus(n)
	}
	s.shrink.ends = far
	for w := s.table.oldest; w != nil && n > 0; w = w.younger {
		if w.state == idle && !w.leaving && !w.holds() {
			s.retire(w, Surplus)
			n--
		}
	}
	s.settle()
}
