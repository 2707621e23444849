package policy

// Exit books the end of a worker, or that it was merely stopped (R5).
func (s *Service) Exit(now Instant, id int, e End) []Action {
	s.begin(now)
	w := s.table.byID[id]
	switch {
	case w == nil:
		if !s.cfg.IgnoreUnknownExit {
			s.emit(Action{Kind: PanicUnknownChild, Worker: id})
		}
		return s.actions
	case e.Stopped:
		s.emit(Action{Kind: WarnStopped, Worker: id, Generation: w.generation, End: e})
		return s.actions
	}
	if s.cfg.PerConnection {
		s.judgeSession(w, e)
	} else {
		s.judge(w, e)
	}
	s.table.remove(w)
	s.blame(-1)
	s.counters.Exited++
	s.heard()
	s.relieve()
	s.reevaluate()
	s.finishStop()
	return s.end()
}

// judge warns about a bad end, and throttles when the worker has no finished
// job. The dying worker is still in the counts meanwhile (R5.3b).
func (s *Service) judge(w *worker, e End) {
	if e.Unknown {
		s.counters.UnknownExits++
	}
	if e.Good() {
		s.judgeQuick(w)
		return
	}
	s.warnEnd(w, e)
	if w.finished > 0 || w.blamed || s.forgiven(w) || s.served(w) || s.outlived(w) {
		return
	}
	s.badStart(w, Action{Why: BadEnd, Worker: w.id, End: e, Generation: w.generation})
}

// forgiven: told to leave is no failure. STOPPING=1 before a bad end is no
// excuse: programs say it on every way out. What was aborted was judged then.
func (s *Service) forgiven(w *worker) bool {
	return s.cfg.Retire && (w.told || w.aborted || w.killed)
}

// warnEnd says how a worker ended, unless it ended the way it was told to.
func (s *Service) warnEnd(w *worker, e End) {
	switch {
	case e.Signal == 0:
		s.emit(Action{Kind: WarnExitStatus, Worker: w.id, Generation: w.generation, End: e})
	case s.stopping && e.Signal == sigTERM: // R8.4
	case s.cfg.Retire && (w.killed || w.aborted || w.told && e.Signal == s.cfg.RetireSignal):
	default:
		s.emit(Action{Kind: WarnKilled, Worker: w.id, Generation: w.generation, End: e})
	}
}

// judgeQuick is the spawn-loop guard: the original takes a clean end before the
// first job as normal, and starts such a worker again and again without pause.
func (s *Service) judgeQuick(w *worker) {
	if s.cfg.QuickExit == 0 || w.taken || w.told || s.served(w) || s.now-w.born > s.cfg.QuickExit {
		return
	}
	if s.quick++; s.quick >= max(1, s.cfg.QuickExits) {
		s.badStart(w, Action{Why: QuickEnd, Worker: w.id, Generation: w.generation})
	}
}

// badStart books that w came to nothing: a roll-out stops, or else worker
// creation pauses. While it pauses already, nothing is booked (R5.3b).
func (s *Service) badStart(w *worker, cause Action) {
	w.blamed = true
	if s.throttle.on || s.draining {
		return
	}
	s.counters.BadStarts++
	if s.stopRollOut(w.generation, cause) {
		return
	}
	warn := cause
	warn.Kind = WarnBadStart
	s.emit(warn)
	s.beginThrottle(cause)
}
