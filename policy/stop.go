package policy

// Reload takes over a new configuration (R7). With the Retire extension it ends
// a pause and rolls the workers over to the new generation; the original opens
// a new channel and lets the pool be.
func (s *Service) Reload(now Instant, cfg Config) []Action {
	s.begin(now)
	s.cfg = cfg
	s.setInference()
	s.replan()
	s.emit(Action{Kind: RestartWorkers, Why: Reload})
	if cfg.Retire {
		s.throttle.next = 0
		s.unthrottle(Reload)
		s.beginRollOut()
	}
	s.reevaluate()
	return s.end()
}

// replan gives everybody the deadlines of the new configuration.
func (s *Service) replan() {
	for w := s.table.oldest; w != nil; w = w.younger {
		s.plan(w)
	}
}

// Stop ends the service (R8). With the Retire extension it is a drain: nothing
// is watched any more, everybody is asked to leave, those that do not are
// killed after StopTimeout, and Drained comes last. The original throttles,
// sends SIGTERM, and shows a brief listening when the last one is gone.
func (s *Service) Stop(now Instant) []Action {
	s.begin(now)
	if s.draining || s.stopping {
		return s.actions
	}
	s.emit(Action{Kind: StatusClosed})
	if s.cfg.Retire {
		s.drain()
	} else {
		s.stopping = true
		s.beginThrottle(Action{Why: Stop})
		for w := s.table.oldest; w != nil; w = w.younger {
			s.emit(Action{Kind: Signal, Worker: w.id, Number: sigTERM, Why: Stop})
		}
	}
	s.finishStop()
	return s.end()
}

func (s *Service) drain() {
	s.draining, s.wanted, s.rollOut.on = true, 0, false
	s.rollOut.due = far
	if s.cfg.StopTimeout > 0 {
		s.killAt = s.now + s.cfg.StopTimeout
		if s.cfg.TermAtHalf {
			s.termAt = s.now + s.cfg.StopTimeout/2
		}
	}
	s.retireAll(Stop)
	s.settle()
}

// KillAll ends a drain at once: the second signal to stop.
func (s *Service) KillAll(now Instant) []Action {
	s.begin(now)
	s.killAll(Stop)
	return s.end()
}

// dismiss ends a worker whose birth was answered after the drain had begun.
func (s *Service) dismiss(w *worker) {
	if s.impatient {
		s.kill(w, Stop)
		return
	}
	s.retire(w, Stop)
}

func (s *Service) killAll(why Why) {
	s.killAt, s.termAt, s.impatient = far, far, true
	for w := s.table.oldest; w != nil; w = w.younger {
		s.kill(w, why)
	}
}

// termAll asks those that were left to themselves so far.
func (s *Service) termAll() {
	s.termAt = far
	for w := s.table.oldest; w != nil; w = w.younger {
		if w.aborted || w.killed { // they were asked already, and are being waited for
			continue
		}
		w.told = true
		s.table.touch(w)
		s.emit(Action{Kind: Signal, Worker: w.id, Number: sigTERM, Why: Stop})
	}
}

func (s *Service) tickDrain() {
	if s.now >= s.termAt {
		s.termAll()
	}
	if s.now >= s.killAt {
		s.killAll(StopTimeout)
	}
}

// finishStop notices that the last worker is gone.
func (s *Service) finishStop() {
	if s.total() > 0 {
		return
	}
	switch {
	case s.draining:
		s.killAt, s.termAt = far, far
		s.emit(Action{Kind: Drained})
	case s.stopping: // R8.5, R8.6
		s.unthrottle(Stop)
		s.watching = WatchOff
		s.emit(Action{Kind: Listen, Watch: WatchOff})
	}
}
