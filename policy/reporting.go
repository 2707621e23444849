package policy

// This file decides whether availability is inferred at all: until the first report of a
// worker, and again when reports cannot be relied on any more. New and Reload call set.

// Infers reports whether availability is inferred from samples now.
func (s *Service) Infers() bool { return s.infer.on }

// believe ends the inference: a worker has said how it is. All others are idle
// until they say otherwise, as they would have said so when they accepted.
func (f *infer) believe() {
	if f.reported {
		return
	}
	f.reported = true
	f.set()
	f.deadlines.replan()
}

// InferAgain begins it anew: workers have reported, and nothing that they say can be relied
// on any more. What those are doing that were busy is not known from now on; one that was
// asked to retire may still hold its client. The next report ends it again.
func (s *Service) InferAgain(now Instant) []Action {
	s.begin(now)
	if s.cfg.QueueDelay == 0 || !s.infer.reported {
		return s.end()
	}
	s.infer.reported, s.infer.acceptedAt = false, s.lastDone
	s.infer.set()
	for w := s.table.oldest; w != nil; w = w.younger {
		if w.state == busy {
			s.table.count(w, -1)
			w.state = idle
			if w.retiring {
				w.held = max(w.held, 1)
			}
			s.table.count(w, 1)
		}
	}
	s.deadlines.replan()
	s.listening.reevaluate()
	return s.end()
}

// set turns it on or off as the configuration and the workers want it.
func (f *infer) set() {
	was := f.on
	f.on = f.cfg.QueueDelay > 0 && !f.reported
	if was != f.on {
		f.restart()
		f.guard.off()
		f.work.forget()
	}
}
