package policy

// birth is a start that the caller was asked for and has not answered yet.
type birth struct {
	generation uint64 // 0 = none
	why        Why
	stress     bool
}

func (b birth) n() int {
	if b.generation == 0 {
		return 0
	}
	return 1
}

// Connection says that a watched socket is readable (R3). waiting is the number
// of connections in the accept queues of all sockets, 1 where it is unknown; it
// is used where more than one worker may start at once, and by the stall guard.
// It is dropped while the service does not watch.
func (s *Service) Connection(now Instant, waiting int) []Action {
	s.begin(now)
	switch s.watching {
	case WatchOn, WatchNew:
		if s.infer.on {
			s.inferCold()
		}
		s.wanted = s.births(waiting)
		s.grow()
	case WatchOnce:
		if s.infer.on {
			s.inferWoke()
		} else {
			s.guardWoke(waiting)
		}
	}
	return s.end()
}

// births is how many workers the waiting connections deserve.
func (s *Service) births(waiting int) int {
	if s.cfg.maxStarting() == 1 {
		return 1
	}
	n := min(waiting-s.unproven(), s.cfg.maxStarting()-s.unproven())
	if s.cfg.Limit > 0 {
		n = min(n, s.cfg.Limit-s.total())
	}
	return n
}

// grow asks for the next of the births that connections wait for. Births are
// asked for one at a time: the stress test precedes each, and a refused one
// ends the series, as does whatever happened before a late answer.
func (s *Service) grow() {
	switch {
	case s.wanted <= 0 || s.pending.n() > 0:
		return
	case s.throttle.on || s.draining || !s.belowLimit(),
		!s.infer.on && (s.table.idle > 0 || s.unproven() >= s.cfg.maxStarting()):
		s.wanted = 0
		return
	}
	s.wanted--
	s.stressTest()
	s.bear(Demand)
}

// stressTest is R3 step 1: the spawn that fills the last slot opens the stress
// window or makes it longer.
func (s *Service) stressTest() {
	if !s.cfg.StressEligible || s.cfg.Limit == 0 || s.total()+1 < s.cfg.Limit {
		return
	}
	if s.stressUntil < s.now {
		s.counters.StressEpisodes++
		if !s.cfg.NoStressRestart && !(s.cfg.StressAfterReport && s.infer.on) {
			s.emit(Action{Kind: RestartWorkers, Why: Stress})
			s.retireAll(Stress)
		}
	}
	s.stressUntil = s.now + s.cfg.stressHold()
}

// bear asks for one birth (R3 step 2). The generation is used up even when the
// birth is refused.
func (s *Service) bear(why Why) {
	s.generation++
	s.pending = birth{
		generation: s.generation, why: why,
		stress: s.cfg.StressEligible && s.stressUntil > s.now,
	}
	s.emit(Action{Kind: Start, Generation: s.generation, Stress: s.pending.stress, Why: why})
}

func (s *Service) answer(generation uint64) birth {
	b := s.pending
	if b.generation != generation || generation == 0 {
		panic("policy: answer to a birth that was not asked for")
	}
	s.pending = birth{}
	return b
}

// Started answers a Start action: the worker id (a process id, unique among
// the living) was born with that generation. It counts as idle at once (R3).
func (s *Service) Started(now Instant, generation uint64, id int) []Action {
	s.begin(now)
	b := s.answer(generation)
	w := s.table.add(id, generation)
	w.born, w.since, w.beat, w.stress = now, now, now, b.stress
	s.counters.Spawned++
	s.plan(w)
	s.blame(1)
	if s.cfg.PerConnection {
		s.beginSession(w)
	}
	if s.draining {
		s.dismiss(w)
	}
	s.reevaluate()
	s.grow()
	return s.end()
}

// StartFailed answers a Start action: the operating system refused.
func (s *Service) StartFailed(now Instant, generation uint64) []Action {
	s.begin(now)
	b := s.answer(generation)
	s.wanted = 0
	s.counters.SpawnFailures++
	if !s.draining && !s.stopRollOut(b.generation, Action{Why: BirthRefused}) {
		s.beginThrottle(Action{Why: BirthRefused})
	}
	s.settle()
	s.finishStop()
	return s.end()
}

// fill starts spares: without a connection, and so that they never open a
// stress window.
func (s *Service) fill() {
	if s.cfg.MinSpare == 0 || s.pending.n() > 0 || s.throttle.on || s.draining || s.stopping || s.rollOut.on {
		return
	}
	most := s.cfg.Limit
	if s.cfg.StressEligible {
		most--
	}
	if s.available() < s.cfg.MinSpare && (s.cfg.Limit == 0 || s.total() < most) &&
		s.unproven() < s.cfg.maxStarting() {
		s.bear(Spare)
		s.settle()
	}
}
