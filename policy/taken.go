package policy

import "time"

// took books that connections were accepted: the oldest starting workers have
// done so, but for those that cannot have come so far.
func (s *Service) took(gone, waiting int) {
	i := &s.infer
	patience := s.patience()
	s.learnStartup()
	if i.taken = s.now; s.patience() != patience {
		s.replan()
	}
	s.heard()
	if w := s.table.oldest; w != nil {
		s.recover(w) // births are good, if all there are were born since the trouble
	}
	for w := s.table.oldest; w != nil && s.table.starting > 0 && (gone > 0 || waiting == 0); w = w.younger {
		if w.state == starting && !w.leaving && s.now-w.born >= i.startup/2 {
			gone--
			s.prove(w)
		}
	}
}

// learnStartup measures how long a worker takes from its birth to its first
// connection, which shows when nobody else was there and one has waited since.
func (s *Service) learnStartup() {
	i := &s.infer
	first := far
	for w := s.table.oldest; w != nil; w = w.younger {
		if w.state != starting || w.leaving || w.adopted {
			return
		}
		first = min(first, w.born)
	}
	if i.since != never && i.since <= first && first != far {
		i.startup = s.now - first
	}
}

// patience is how long a worker counts as still to come.
func (s *Service) patience() time.Duration {
	if s.infer.taken == never {
		return badWindow // whether they accept at all is not known yet
	}
	return min(max(s.cfg.ProvenAfter, 2*s.infer.startup), badWindow)
}

// served reports whether connections were taken since w was born, by whomever.
func (s *Service) served(w *worker) bool { return s.infer.on && s.infer.taken > w.born }

// outlived reports whether w is too old for its end to be a bad start.
func (s *Service) outlived(w *worker) bool { return s.infer.on && s.now-w.born > badWindow }
