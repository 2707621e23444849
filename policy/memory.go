package policy

import "time"

// This file has what must survive the process that runs a Service. The caller writes
// down Changes and Memory after every turn; the next process calls Restore once, after
// New and before its first event.

// Memory is what of a Service, besides its workers, has to survive the process
// that runs it.
type Memory struct {
	Generation  uint64
	RolledUpTo  uint64 // workers up to this generation are to be replaced
	StressUntil Instant
	StressUpTo  uint64 // workers up to this generation are to be asked to restart for it
	LastWarning Instant
	Throttled   bool
	ThrottleDue Instant
	NextPause   time.Duration
	// ThrottleGeneration is the last one started before the latest pause.
	ThrottleGeneration uint64
	Cause              Action // of the latest pause
	Healthy            bool   // a worker of a PerConnection service has done well
	Counters           Counters

	Reported bool          // a worker has reported, so that nothing is inferred
	Startup  time.Duration // from a start to its first connection, 0 = not known
	Calm     int           // see scaleDown
}

// Forgotten is the Memory of a service that never ran.
func Forgotten() Memory { return Memory{StressUntil: never, LastWarning: never} }

// Memory returns the present memory. Its cost does not depend on the pool.
func (s *Service) Memory() Memory {
	m := Memory{
		Generation: s.generation, StressUntil: s.stress.until, StressUpTo: s.stress.upTo, LastWarning: s.listening.lastWarning,
		Throttled: s.throttle.on && !s.throttle.shortage, ThrottleDue: s.throttle.due, NextPause: s.throttle.next,
		ThrottleGeneration: s.throttle.generation, Cause: s.throttle.cause, Counters: s.counters,
		Healthy: s.sessions.healthy, Reported: s.infer.reported, Startup: s.infer.startup, Calm: s.shrink.scaleDown.wants,
	}
	if s.draining { // an orderly end: who starts the service again wants it tried
		m.forgetPauses()
	}
	if !s.rolling.failed { // a rolling restart that came to nothing is not tried again
		m.RolledUpTo = s.rolling.last
	}
	return m
}

// forgetPauses makes the next start the first one.
func (m *Memory) forgetPauses() {
	m.Throttled, m.ThrottleDue, m.NextPause, m.ThrottleGeneration, m.Cause = false, far, 0, 0, Action{}
}

// ForgetProgram drops what was learnt of the program that workers ran so far, for
// a service that runs another one from now on. living says that workers of the
// earlier program are still there: whether those report stays known. Stress, the
// time of the last warning and the counters belong to the service and stay.
func (m *Memory) ForgetProgram(living bool) {
	m.forgetPauses()
	m.Healthy, m.Startup, m.Calm = false, 0, 0
	m.Reported = m.Reported && living
}

// Entry is one worker in a form that can be kept.
type Entry struct {
	ID         int
	Generation uint64
	Started    Instant
	State      uint8
	Retiring   bool // not available any more
	Told       bool // … because it was asked to retire
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
				ID: w.id, Generation: w.generation, Started: w.started, State: uint8(w.state), Retiring: w.retiring, Told: w.told,
				Taken: w.taken, Blamed: w.blamed, Aborted: w.aborted, Stress: w.stress, Held: w.held, Finished: w.finished,
			})
		}
	}
	s.table.dirty = s.table.dirty[:0]
}

// Restore gives a new service the memory and the workers of an earlier process.
// It comes before Start. workers are in order of generation. What took its
// beginning from a moment that is not kept (busy since, asked to retire at)
// begins anew now.
func (s *Service) Restore(now Instant, m Memory, workers []Entry) {
	s.now = now
	s.generation, s.stress.until, s.listening.lastWarning, s.counters = m.Generation, m.StressUntil, m.LastWarning, m.Counters
	s.throttle.resume(m)
	s.sessions.healthy = m.Healthy
	s.infer.reported, s.infer.startup, s.shrink.scaleDown.wants = m.Reported, m.Startup, m.Calm
	s.infer.set()
	for _, e := range workers {
		s.adopt(now, e)
	}
	s.rolling.resume(m.RolledUpTo)
	s.stress.resume(m.StressUpTo)
	s.heardAt = now
	if len(workers) > 0 {
		s.lastDone = now // what they have finished meanwhile is not known yet
		s.work.plan()
	}
}

func (s *Service) adopt(now Instant, e Entry) {
	w := s.table.add(e.ID, e.Generation)
	s.table.count(w, -1)
	w.started, w.since, w.beat, w.ready, w.retiredAt, w.abortedAt = e.Started, now, now, now, now, now
	w.serving = now
	w.state, w.retiring, w.told = min(state(e.State), busy), e.Retiring, e.Told
	w.taken, w.blamed, w.aborted, w.executed = e.Taken, e.Blamed, e.Aborted, true
	w.held, w.finished, w.stress, w.adopted = e.Held, e.Finished, e.Stress, true
	if s.cfg.PerConnection { // since its start, which may be all that was written down
		w.state, w.taken = busy, true
	}
	if s.infer.on && w.state == busy { // nothing of the kind is known
		w.state = idle
	}
	s.table.count(w, 1)
	s.counters.Adopted++
	s.deadlines.plan(w)
}

// resume goes on where the earlier process was interrupted.
func (r *rolling) resume(last uint64) {
	r.last = last
	r.table.divide(last)
	n := r.table.old
	if n == 0 || r.cfg.NoRetireSignal {
		return
	}
	r.progress = progress{on: true, last: last, whole: n, batch: r.batchSize(), due: far, began: r.now, gone: far, waits: far, proof: noProof()}
	r.proof.have, r.proof.served = !r.cfg.ProveReload, !r.cfg.ProveReload
}
