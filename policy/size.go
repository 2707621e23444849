package policy

// This file retires workers that have grown too large, between two requests, as those that
// have served their share of them (retire.go). The caller finds out how large they are, and
// calls TooLarge; reports of workers and ends of others call retireLarge.

// sizes are those that are too large.
type sizes struct {
	*core
	listening  *listening
	retirement *retirement
	infer      *infer
	rolling    *rolling

	any bool // there may be some that were not asked to retire yet
}

// TooLarge says that a worker takes more memory than it may. It is retired when it holds no
// client; at once, if that is looked at only now and then (seldom), or where nobody reports:
// it finishes what it holds then.
func (s *Service) TooLarge(now Instant, worker int, generation uint64, seldom bool) []Action {
	s.begin(now)
	w := s.table.byID[worker]
	if w == nil || w.generation != generation || w.retiring || s.cfg.NoRetireSignal || s.cfg.PerConnection {
		return s.end()
	}
	w.large, w.seldom, s.sizes.any = true, seldom, true
	s.sizes.retireLarge()
	return s.end()
}

// retireLarge retires those whose turn it is, oldest first. All workers of a pool may grow
// too large at the same time: no more than a batch of them is missing at once.
func (z *sizes) retireLarge() {
	if !z.any || z.draining {
		return
	}
	leaving := 0
	for w := z.table.oldest; w != nil; w = w.younger {
		if w.retiring && w.why == Large {
			leaving++
		}
	}
	before := leaving
	z.any = false
	for w := z.table.oldest; w != nil; w = w.younger {
		switch {
		case !w.large || w.retiring:
		case leaving >= z.batchSize(), w.holds() && !w.seldom && !z.infer.on, z.rolling.keepsOld(w) && z.table.old == 1:
			z.any = true
		default:
			z.counters.TooLarge++
			z.retirement.retire(w, Large)
			leaving++
		}
	}
	if leaving > before {
		z.listening.settle()
	}
}
