package policy

// Signals of the kill ladder, by their Linux numbers: this package imports
// nothing of the system.
const (
	sigABRT = 6
	sigKILL = 9
	sigTERM = 15
)

// retire asks w to finish and leave. It is not available from this moment, and
// its end is no failure. It does not re-evaluate: its callers do, or settle.
func (s *Service) retire(w *worker, why Why) {
	if w.leaving || s.cfg.NoRetireSignal {
		return
	}
	w.told = true
	s.setLeaving(w, why)
	s.emit(Action{Kind: Retire, Worker: w.id, Generation: w.generation, Why: why})
}

// leave books that w leaves by its own will.
func (s *Service) leave(w *worker) {
	if w.leaving {
		return
	}
	s.setLeaving(w, Stop)
	s.settle()
}

func (s *Service) setLeaving(w *worker, why Why) {
	s.table.count(w, -1)
	w.leaving, w.leftAt, w.why = true, s.now, why
	if s.infer.on {
		w.held = 1 // it may hold a client: only the patience for busy ones applies
	}
	s.table.count(w, 1)
	s.plan(w)
}

// retireAll asks everybody, if the extension is on; the original only opens a
// new channel, and the table stays as it was.
func (s *Service) retireAll(why Why) {
	if !s.cfg.Retire {
		return
	}
	for w := s.table.oldest; w != nil; w = w.younger {
		s.retire(w, why)
	}
}

// retireUsedUp retires a worker that has served its share: when it is idle,
// unless it is looked at so seldom that it may never be found so.
func (s *Service) retireUsedUp(w *worker, anyway bool) {
	if s.cfg.MaxRequests == 0 || w.leaving || w.holds() && !anyway {
		return
	}
	if w.finished >= spreadCount(s.cfg.MaxRequests, w.generation) {
		s.retire(w, UsedUp)
		s.settle()
	}
}

func spreadCount(n int, generation uint64) int {
	const fine = 10000
	return int((spread(Instant(n)*fine, generation) + fine/2) / fine) // never 0
}

// abort climbs the first rung of the ladder: SIGABRT, so that it may dump.
// Never ready and hung are bad starts when nothing was ever finished, unless it
// was told to leave before.
func (s *Service) abort(w *worker, why Why) {
	if !w.leaving {
		s.setLeaving(w, why)
	}
	w.aborted, w.abortedAt, w.why = true, s.now, why
	s.table.touch(w)
	s.counters.Killed++
	s.emit(Action{Kind: WarnTimeout, Worker: w.id, Why: why, Number: s.abortSignal(), Generation: w.generation})
	s.emit(Action{Kind: Signal, Worker: w.id, Why: why, Number: s.abortSignal()})
	s.plan(w)
	if why != BusyTimeout && w.finished == 0 && !w.told {
		s.badStart(w, Action{Why: why, Worker: w.id, Generation: w.generation})
	}
	s.settle()
}

func (s *Service) abortSignal() int {
	if s.cfg.AbortSignal != 0 {
		return s.cfg.AbortSignal
	}
	return sigABRT
}

// kill climbs the last rung.
func (s *Service) kill(w *worker, why Why) {
	if w.killed {
		return
	}
	if !w.aborted {
		s.counters.Killed++
	}
	if !w.leaving {
		s.setLeaving(w, why)
	}
	w.killed, w.why = true, why
	s.emit(Action{Kind: WarnTimeout, Worker: w.id, Why: why, Number: sigKILL, Generation: w.generation})
	s.emit(Action{Kind: Signal, Worker: w.id, Why: why, Number: sigKILL})
	s.plan(w)
}
