package policy

// This file changes numbers of the configuration without a reload, and takes the pool down
// to a limit that was lowered. The caller delivers Adjust like any other event; retireAbove
// runs at the end of every event, as a pool may be above its limit for other reasons, too:
// an earlier process may have left more workers than this one is to have.

// Adjust takes over a configuration for which the workers need not be replaced: the limit,
// how many spares and starting workers there are, and times. No worker is retired but
// those above the limit, and a pause of starts goes on.
func (s *Service) Adjust(now Instant, cfg Config) []Action {
	s.begin(now)
	window := s.cfg.IdleTimeout
	s.cfg = cfg
	if cfg.IdleTimeout != window {
		s.shrink.ends = far // settle opens one of the new length, if there is a surplus
	}
	s.deadlines.replan()
	s.work.restart()
	s.listening.settle()
	return s.end()
}

// retireAbove asks as many workers to retire as are above the limit: idle ones, oldest
// first, then those that are starting, youngest first, and then those that got busy last,
// which exit when they have finished; a session that has lasted for long is asked at the
// end. A rolling restart does the same in its own order, and sessions of PerConnection end
// by themselves. After a reload that has failed the last worker of the older revision stays,
// as nothing else is known to serve.
func (r *retirement) retireAbove() {
	above := r.total() - r.table.retiring - r.cfg.Limit
	if r.cfg.Limit == 0 || above <= 0 || !r.cfg.Retire || r.cfg.NoRetireSignal || r.cfg.PerConnection || r.rolling.on || r.draining {
		return
	}
	for w := r.table.oldest; w != nil && above > 0; w = w.younger {
		above -= r.retireIf(w, !w.holds() && w.state == idle)
	}
	for w := r.table.youngest; w != nil && above > 0; w = w.older {
		above -= r.retireIf(w, !w.holds())
	}
	if above > 0 {
		since := r.busySince(above)
		for w := r.table.youngest; w != nil && above > 0; w = w.older {
			above -= r.retireIf(w, w.since >= since)
		}
	}
	r.listening.settle()
}

// retireIf is the number of workers that it retires.
func (r *retirement) retireIf(w *worker, wanted bool) int {
	if !wanted || w.retiring || r.rolling.keepsOld(w) && r.table.old == 1 {
		return 0
	}
	r.retire(w, Above)
	return 1
}

// busySince is the latest moment since which at least n of the workers that are not retiring
// have been in their state. It halves the time instead of sorting the workers: there may be
// thousands of them.
func (r *retirement) busySince(n int) Instant {
	early, late := r.now, r.now+1 // at least n since early, fewer since late
	for w := r.table.oldest; w != nil; w = w.younger {
		early = min(early, w.since)
	}
	for late-early > 1 {
		middle := early + (late-early)/2
		if r.countSince(middle) >= n {
			early = middle
		} else {
			late = middle
		}
	}
	return early
}

func (r *retirement) countSince(at Instant) (n int) {
	for w := r.table.oldest; w != nil; w = w.younger {
		if !w.retiring && w.since >= at {
			n++
		}
	}
	return n
}
