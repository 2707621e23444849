package policy

// This file starts workers (R3): for a waiting connection, and as spares. The caller
// delivers Connection after Tick, and answers each Start action with Started,
// StartFailed or StartRefused before any other event.

// pendingStart is a start that the caller was asked for and has not answered yet.
type pendingStart struct {
	generation uint64 // 0 = none
	why        Why
	stress     bool
}

func (b pendingStart) n() int {
	if b.generation == 0 {
		return 0
	}
	return 1
}

// starts are the starts that were asked for, and those that still have to be.
type starts struct {
	*core
	listening *listening
	throttle  *throttle
	stress    *stress
	infer     *infer
	rolling   *rolling
	original  *original

	wanted int // starts that waiting connections still ask for
}

// Connection says that a watched socket is readable (R3). waiting is the number
// of connections in the accept queues of all sockets, 1 where it is unknown; it
// is used where more than one worker may start at once, and by the stall guard.
// It is dropped while the service does not watch.
func (s *Service) Connection(now Instant, waiting int) []Action {
	s.begin(now)
	switch s.listening.watching {
	case WatchOn, WatchNew:
		if s.infer.on {
			s.infer.cold()
		}
		s.starts.wanted = s.starts.startsFor(waiting)
		s.starts.grow()
	case WatchOnce:
		if s.infer.on {
			s.infer.woke()
		} else {
			s.guard.woke(waiting)
		}
	}
	return s.end()
}

// startsFor is how many workers the waiting connections deserve.
func (st *starts) startsFor(waiting int) int {
	if st.cfg.oneStarts() {
		return 1
	}
	n := min(waiting-st.unproven(), st.cfg.maxStarting()-st.places())
	if st.cfg.Limit > 0 {
		n = min(n, st.cfg.Limit-st.total())
	}
	return n
}

// grow asks for the next of the starts that connections wait for. Starts are
// asked for one at a time: the stress test precedes each, and a refused one
// ends the series, as does whatever happened before a late answer.
func (st *starts) grow() {
	switch {
	case st.wanted <= 0 || st.pending.n() > 0:
		return
	case st.throttle.on || st.draining || !st.rolling.mayGrow(),
		!st.infer.on && (st.table.idle > 0 || st.places() >= st.cfg.maxStarting()):
		st.wanted = 0
		return
	}
	st.wanted--
	st.stress.test()
	st.request(Demand)
}

// forget: nobody waits any more for the starts that were still to be asked for, or they
// have to wait until the next connection is seen.
func (st *starts) forget() { st.wanted = 0 }

// request asks for one start (R3 step 2). The generation is used up even when the
// start is refused.
func (st *starts) request(why Why) {
	st.generation++
	st.pending = pendingStart{
		generation: st.generation, why: why,
		stress: st.stress.on(),
	}
	st.emit(Action{Kind: Start, Generation: st.generation, Stress: st.pending.stress, Why: why})
}

func (st *starts) answer(generation uint64) pendingStart {
	b := st.pending
	if b.generation != generation || generation == 0 {
		panic("policy: answer to a start that was not asked for")
	}
	st.pending = pendingStart{}
	return b
}

// Started answers a Start action: the worker id (a process id, unique among
// the living) was started with that generation. It counts as idle at once (R3).
func (s *Service) Started(now Instant, generation uint64, id int) []Action {
	s.begin(now)
	b := s.starts.answer(generation)
	w := s.table.add(id, generation)
	w.started, w.since, w.beat, w.stress = now, now, now, b.stress
	s.counters.Spawned++
	s.short.worked()
	s.deadlines.plan(w)
	s.work.plan()
	s.infer.blame(1)
	if s.cfg.PerConnection {
		s.sessions.begin(w)
	}
	if s.draining {
		s.drain.retireLate(w)
	}
	s.listening.reevaluate()
	s.starts.grow()
	return s.end()
}

// StartFailed answers a Start action: the worker's command is at fault. When the
// system refused, the answer is [Service.StartRefused].
func (s *Service) StartFailed(now Instant, generation uint64) []Action {
	s.begin(now)
	b := s.starts.answer(generation)
	s.starts.forget()
	s.counters.SpawnFailures++
	if !s.draining && !s.rolling.stop(b.generation, Action{Why: StartRefused}) {
		s.throttle.begin(Action{Why: StartRefused})
	}
	s.listening.settle()
	s.drain.finish()
	return s.end()
}

// fill starts spares: without a connection, and so that they never open a
// stress window.
func (st *starts) fill() {
	if st.cfg.MinSpare == 0 || st.pending.n() > 0 || st.throttle.on || st.draining || st.original.stopping || st.rolling.on || st.rolling.holdsBack() {
		return
	}
	most := st.cfg.Limit
	if st.cfg.StressEligible {
		most--
	}
	if st.listening.available() < st.cfg.MinSpare && (st.cfg.Limit == 0 || st.total() < most) &&
		st.places() < st.cfg.maxStarting() {
		st.request(Spare)
		st.listening.settle()
	}
}
