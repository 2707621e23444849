package policy

import "time"

// Counters count since the service began, or since its state was first kept.
type Counters struct {
	Spawned, SpawnFailures, Exited, BadStarts, Killed, Requests uint64
	LimitReached, Throttles, StressEpisodes, UnknownExits       uint64
	Adopted                                                     uint64
}

// Condition is everything about the service but its workers. Building it costs
// the same however many there are.
type Condition struct {
	Total, Starting, Idle, Busy, Retiring int
	Inferred                              bool // nobody reports: all are busy or all idle, what they do is unknown
	Serving                               int  // busy, and of the retiring those that still hold a client
	Limit                                 int
	Watch                                 Watch
	Draining                              bool
	FullSince                             Instant // valid if Full
	Full                                  bool
	ThrottledUntil                        Instant // valid if Throttled
	Throttled                             bool
	StressUntil                           Instant // valid if Stressed
	Stressed                              bool
	RollingOut                            bool
	RolledOut, RollOutWhole               int
	Counters                              Counters
}

// Condition returns the present condition at the moment now.
func (s *Service) Condition(now Instant) Condition {
	t := &s.table
	c := Condition{
		Total: s.total(), Starting: s.unproven(), Idle: t.idle, Busy: t.busy, Retiring: t.retiring,
		Limit: s.cfg.Limit, Watch: s.watching, Draining: s.draining,
		FullSince: s.fullSince, Full: s.fullSince != never,
		ThrottledUntil: s.throttle.due, Throttled: s.throttle.on,
		StressUntil: s.stressUntil, Stressed: s.cfg.StressEligible && s.stressUntil > now,
		RollingOut: s.rollOut.on, RollOutWhole: s.rollOut.whole, Inferred: s.infer.on,
		Counters: s.counters,
	}
	if c.Inferred && s.infer.busy {
		c.Busy, c.Idle = c.Idle, 0
	}
	c.Serving = c.Busy + t.retiring - t.parting
	if c.RollingOut {
		c.RolledOut = max(0, c.RollOutWhole-s.table.old)
	}
	return c
}

// Worker is one worker as the table sees it.
type Worker struct {
	ID         int
	Generation uint64
	State      string // starting, idle, busy or retiring; unknown instead of idle and busy
	Requests   int
	Age        time.Duration
	Stress     bool
	Adopted    bool
}

// Each calls f for every worker, oldest first.
func (s *Service) Each(now Instant, f func(Worker)) {
	for w := s.table.oldest; w != nil; w = w.younger {
		f(Worker{
			ID: w.id, Generation: w.generation, State: s.name(w), Requests: w.finished,
			Age: now - w.born, Stress: w.stress, Adopted: w.adopted,
		})
	}
}

// Generation returns the generation of a worker in the table, 0 if there is
// none of that id.
func (s *Service) Generation(id int) uint64 {
	if w := s.table.byID[id]; w != nil {
		return w.generation
	}
	return 0
}

func (s *Service) name(w *worker) string {
	switch {
	case w.leaving:
		return "retiring"
	case w.state == starting:
		return "starting"
	case s.infer.on:
		return "unknown"
	case w.state == idle:
		return "idle"
	default:
		return "busy"
	}
}
