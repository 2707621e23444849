package policy

import "time"

// plan works out anew when w needs attention.
func (s *Service) plan(w *worker) {
	due, _ := s.attention(w)
	s.table.schedule(w, due)
}

// absence is how much later than asked for Tick may come. After more, this process
// did not run (it was stopped or frozen, perhaps the workers too), so that silence
// means nothing: everybody gets as long to be heard before anybody is judged.
const absence = time.Second

// attention is the earliest moment at which something has to be done about w,
// and what.
func (s *Service) attention(w *worker) (Instant, Why) {
	a := earliest{at: far}
	switch {
	case w.killed:
		return far, 0
	case w.aborted:
		return w.abortedAt + s.cfg.AbortGrace, w.why
	case w.leaving && w.holds():
		a.add(s.cfg.RetireTimeout, max(w.leftAt, w.since), RetireTimeout)
	case w.leaving:
		a.add(s.cfg.IgnoreTimeout, max(w.leftAt, w.since), RetireIgnored)
	case w.state == starting && s.infer.on:
		a.add(s.patience(), w.born, OldEnough)
	case w.state == starting:
		a.add(s.cfg.StartTimeout, w.born, StartTimeout)
		a.add(s.cfg.ProvenAfter, w.born, OldEnough)
	}
	if w.state == busy {
		a.add(s.cfg.BusyTimeout, w.since, BusyTimeout)
	}
	if w.state != starting && !s.infer.on {
		a.add(s.cfg.Watchdog, w.beat, WatchdogSilent)
	}
	if !w.leaving && !s.cfg.NoRetireSignal {
		a.add(spread(s.cfg.MaxLifetime, w.generation), w.born, TooOld)
	}
	return max(a.at, s.excused), a.why
}

type earliest struct {
	at  Instant
	why Why
}

func (e *earliest) add(d time.Duration, from Instant, why Why) {
	if d > 0 && from+d < e.at {
		e.at, e.why = from+d, why
	}
}

// spread varies d by up to 10 % either way, by a number that differs from
// worker to worker but not from run to run.
func spread(d time.Duration, generation uint64) time.Duration {
	if d == 0 {
		return 0
	}
	x := generation * 0x9e3779b97f4a7c15 // Fibonacci hashing
	share := int64(x>>40) % 2001         // 0 … 2000 = -10 % … +10 %
	step := int64(d) / 10000
	if step == 0 {
		return d
	}
	return d + time.Duration((share-1000)*step)
}

func (s *Service) tickWorkers() {
	if s.table.due() < s.now-absence {
		s.excused = s.now + absence
		s.replan()
	}
	for s.table.due() <= s.now {
		w := s.table.order[0]
		switch _, why := s.attention(w); why {
		case TooOld:
			s.retire(w, TooOld)
			s.settle()
		case OldEnough:
			s.prove(w)
		case RetireTimeout, RetireIgnored:
			s.kill(w, why)
		default:
			if w.aborted {
				s.kill(w, why)
			} else {
				s.abort(w, why)
			}
		}
	}
}

// beatOf books the signs of life in a report, and the worker's own wish to be
// looked at.
func (s *Service) beatOf(w *worker, r Report) {
	if r.Trigger && s.cfg.Watchdog > 0 && !w.aborted && !w.killed {
		s.abort(w, WatchdogAsked)
		return
	}
	if r.Alive {
		w.beat = s.now
		s.plan(w)
	}
}
