package policy

// reevaluate is R1. It runs exactly where FORMAT.md says "re-evaluate": the
// limit warning must not come more often than that.
func (s *Service) reevaluate() {
	if s.mayWarn() && s.isFull() && s.lastWarning < s.now-WarnInterval {
		s.lastWarning = s.now
		s.emit(Action{Kind: WarnLimit})
	}
	s.settle()
}

func (s *Service) mayWarn() bool { return s.cfg.StressEligible || s.cfg.WarnAlways }

// isFull: everybody is taken, and no more workers are allowed. A slot whose
// worker is about to leave is not taken.
func (s *Service) isFull() bool {
	return !s.throttle.on && !s.draining && s.available() == 0 && !s.belowLimit() &&
		s.table.parting == 0
}

func (s *Service) total() int    { return s.table.total() + s.pending.n() }
func (s *Service) unproven() int { return s.table.starting + s.pending.n() }

func (s *Service) available() int {
	if s.infer.busy {
		return s.unproven()
	}
	return s.table.available() + s.pending.n()
}

func (s *Service) belowLimit() bool { return s.cfg.Limit == 0 || s.total() < s.cfg.Limit }

// settle makes the wish true. It alone changes what is watched. Events that
// FORMAT.md does not know (a worker is retired, a timer of an extension) end
// here instead of in reevaluate, so that they cannot warn.
func (s *Service) settle() {
	s.noteFull()
	s.noteIdle()
	if w := s.wish(); w != s.watching {
		s.watching = w
		s.emit(Action{Kind: Listen, Watch: w})
	}
}

// wish decides listening.
func (s *Service) wish() Watch {
	switch {
	case s.throttle.on || s.draining:
		s.infer.restart()
		return s.unguard()
	case s.infer.on:
		return s.inferWish()
	case s.available() == 0 && s.belowLimit():
		s.unguard()
		return WatchOn
	case s.available() == 0 || !s.belowLimit() || s.unproven() >= s.cfg.maxStarting():
		return s.unguard()
	case s.table.idle == 0: // only proven idle workers stop the listening
		s.unguard()
		return WatchNew
	default:
		return s.guarded()
	}
}

// noteFull keeps the moment since when the pool is full, which a warning that
// comes once in 1000 s cannot tell.
func (s *Service) noteFull() {
	switch full := s.isFull(); {
	case full && s.fullSince == never:
		s.fullSince = s.now
		s.counters.LimitReached++
	case !full:
		s.fullSince = never
	}
}
