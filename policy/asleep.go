package policy

// This file lets a start that waits leave its place to another one. MaxStarting keeps a
// herd of starts from taking the processors of those who serve, and a start that sleeps, or
// waits for an answer, takes none. The caller looks at starting workers while Crowded, and
// says with Asleep what it has found.

// Crowded reports whether starting workers keep others from being started who may be
// needed, so that it matters which of them compute.
func (s *Service) Crowded() bool {
	switch {
	case !s.cfg.AsleepApart || s.infer.on || s.throttle.on || s.draining || !s.rolling.mayGrow(),
		s.table.starting == s.table.asleep, s.places() < s.cfg.maxStarting(), !s.belowLimit():
		return false
	}
	return s.table.idle == 0 || s.listening.available() < s.cfg.MinSpare
}

// Starters appends the workers that are starting, oldest first.
func (s *Service) Starters(ids []int) []int {
	for w := s.table.oldest; w != nil; w = w.younger {
		if w.isStarting() {
			ids = append(ids, w.id)
		}
	}
	return ids
}

// IsStarting reports whether a worker is one of them.
func (s *Service) IsStarting(id int) bool {
	w := s.table.byID[id]
	return w != nil && w.isStarting()
}

func (w *worker) isStarting() bool { return w.state == starting && !w.retiring }

// Asleep says that a starting worker was seen to wait, or to compute again. The latter
// ends no start: there are less of further ones.
func (s *Service) Asleep(now Instant, id int, asleep bool) []Action {
	s.begin(now)
	w := s.table.byID[id]
	if w == nil || w.asleep == asleep || !s.cfg.AsleepApart {
		return s.actions
	}
	s.table.count(w, -1)
	w.asleep = asleep
	s.table.count(w, 1)
	s.listening.settle()
	return s.end()
}
