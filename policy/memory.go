package policy

import "time"

// Memory is what of a Service, besides its workers, has to survive the process
// that runs it.
type Memory struct {
	Generation  uint64
	RolledUpTo  uint64 // workers up to this generation are to be replaced
	StressUntil Instant
	LastWarning Instant
	Throttled   bool
	ThrottleDue Instant
	NextPause   time.Duration
	// ThrottleGeneration is the last one born before the latest pause.
	ThrottleGeneration uint64
	Cause              Action // of the latest pause
	Healthy            bool   // a worker of a PerConnection service has done well
	Counters           Counters

	Reported bool          // a worker has reported, so that nothing is inferred
	Startup  time.Duration // from a birth to its first connection, 0 = not known
	Calm     int           // see trial
}

// Forgotten is the Memory of a service that never ran.
func Forgotten() Memory { return Memory{StressUntil: never, LastWarning: never} }

// Memory returns the present memory. Its cost does not depend on the pool.
func (s *Service) Memory() Memory {
	m := Memory{
		Generation: s.generation, StressUntil: s.stressUntil, LastWarning: s.lastWarning,
		Throttled: s.throttle.on, ThrottleDue: s.throttle.due, NextPause: s.throttle.next,
		ThrottleGeneration: s.throttle.generation, Cause: s.throttle.cause, Counters: s.counters,
		Healthy: s.sessions.healthy, Reported: s.infer.reported, Startup: s.infer.startup, Calm: s.trial.wants,
	}
	if !s.rollOut.failed { // a roll-out that came to nothing is not tried again
		m.RolledUpTo = s.rollOut.last
	}
	return m
}

// Entry is one worker in a form that can be kept.
type Entry struct {
	ID         int
	Generation uint64
	Born       Instant
	State      uint8
	Leaving    bool // not available any more
	Told       bool // … because it was asked to leave
	Taken      bool
	Blamed     bool
	Aborted    bool
	Stress     bool
	Held       int
	Finished   int
}

// States of an entry. BusyState is also that of one about whose work nothing is
// known: a worker that is wrongly taken for busy delays nobody.
const (
	IdleState = uint8(idle)
	BusyState = uint8(busy)
)

// Changes calls f for the workers that changed since the last call.
func (s *Service) Changes(f func(Entry)) {
	for _, w := range s.table.dirty {
		w.dirty = false
		if s.table.byID[w.id] == w {
			f(Entry{
				ID: w.id, Generation: w.generation, Born: w.born, State: uint8(w.state), Leaving: w.leaving, Told: w.told,
				Taken: w.taken, Blamed: w.blamed, Aborted: w.aborted, Stress: w.stress, Held: w.held, Finished: w.finished,
			})
		}
	}
	s.table.dirty = s.table.dirty[:0]
}

// Restore gives a new service the memory and the workers of an earlier process.
// It comes before Start. workers are in order of generation. What took its
// beginning from a moment that is not kept (busy since, asked to leave at)
// begins anew now.
func (s *Service) Restore(now Instant, m Memory, workers []Entry) {
	s.now = now
	s.generation, s.stressUntil, s.lastWarning, s.counters = m.Generation, m.StressUntil, m.LastWarning, m.Counters
	s.throttle = throttle{
		on: m.Throttled, due: m.ThrottleDue, next: m.NextPause, generation: m.ThrottleGeneration, cause: m.Cause,
	}
	s.sessions.healthy = m.Healthy
	s.infer.reported, s.infer.startup, s.trial.wants = m.Reported, m.Startup, m.Calm
	s.setInference()
	for _, e := range workers {
		s.adopt(now, e)
	}
	s.resumeRollOut(m.RolledUpTo)
	s.heardAt = now
}

func (s *Service) adopt(now Instant, e Entry) {
	w := s.table.add(e.ID, e.Generation)
	s.table.count(w, -1)
	w.born, w.since, w.beat, w.leftAt, w.abortedAt = e.Born, now, now, now, now
	w.state, w.leaving, w.told = min(state(e.State), busy), e.Leaving, e.Told
	w.taken, w.blamed, w.aborted = e.Taken, e.Blamed, e.Aborted
	w.held, w.finished, w.stress, w.adopted = e.Held, e.Finished, e.Stress, true
	if s.cfg.PerConnection { // since its birth, which may be all that was written down
		w.state, w.taken = busy, true
	}
	if s.infer.on && w.state == busy { // nothing of the kind is known
		w.state = idle
	}
	s.table.count(w, 1)
	s.counters.Adopted++
	s.plan(w)
}

// resumeRollOut goes on where the earlier process was interrupted.
func (s *Service) resumeRollOut(last uint64) {
	s.rollOut.last = last
	s.table.divide(last)
	n := s.table.old
	if n == 0 || s.cfg.NoRetireSignal {
		return
	}
	s.rollOut = rollOut{on: true, last: last, whole: n, batch: s.batch(), due: far}
}
