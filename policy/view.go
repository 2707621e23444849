package policy

import "time"

// This file shows the condition of a service to its caller, for status, log and metrics.
// It is called at any time between two events and changes nothing.

// Counters count since the service began, or since its state was first kept.
type Counters struct {
	Spawned, SpawnFailures, Exited, BadStarts, Killed, Requests uint64
	LimitReached, Throttles, StressEpisodes, UnknownExits       uint64
	Adopted, Slow, TooLarge                                     uint64
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
	Stuck                                 bool    // of workers that do not report: clients wait, and none of them was seen to be accepted
	ThrottledUntil                        Instant // valid if Throttled
	Throttled                             bool
	Owed                                  int     // accepted connections without a worker, which the caller keeps
	StressUntil                           Instant // valid if Stressed
	Stressed                              bool
	RollingOut                            bool
	Replaced, ToReplace                   int
	Counters                              Counters
}

// Condition returns the present condition at the moment now.
func (s *Service) Condition(now Instant) Condition {
	t := &s.table
	c := Condition{
		Total: s.total(), Starting: s.unproven(), Idle: t.idle, Busy: t.busy, Retiring: t.retiring,
		Limit: s.cfg.Limit, Watch: s.listening.watching, Draining: s.draining,
		FullSince: s.listening.fullSince, Full: s.listening.fullSince != never,
		ThrottledUntil: s.throttle.due, Throttled: s.throttle.on, Owed: s.short.owed,
		StressUntil: s.stress.until, Stressed: s.cfg.StressEligible && s.stress.until > now,
		RollingOut: s.rolling.on, ToReplace: s.rolling.whole, Inferred: s.infer.on, Stuck: s.infer.on && s.infer.stuck(),
		Counters: s.counters,
	}
	if c.Inferred && s.infer.busy {
		c.Busy, c.Idle = c.Idle, 0
	}
	c.Serving = c.Busy + t.retiring - t.ending
	if c.RollingOut {
		c.Replaced = max(0, c.ToReplace-s.table.old)
	}
	return c
}

// Uses grows whenever workers may have done something.
func (s *Service) Uses() uint64 { return s.uses }

// Draining reports whether the service is being stopped.
func (s *Service) Draining() bool { return s.draining }

// Worker is one worker as the table sees it.
type Worker struct {
	ID         int
	Generation uint64
	State      string // starting, idle, busy or retiring; unknown instead of idle and busy
	Requests   int
	Age        time.Duration
	Stress     bool
	Adopted    bool
	Busy       time.Duration // with the present request; negative = it is not, or that is not known
}

// Each calls f for every worker, oldest first.
func (s *Service) Each(now Instant, f func(Worker)) {
	for w := s.table.oldest; w != nil; w = w.younger {
		f(Worker{
			ID: w.id, Generation: w.generation, State: s.infer.shown(w), Requests: w.finished,
			Age: now - w.started, Stress: w.stress, Adopted: w.adopted, Busy: s.infer.busyFor(w, now),
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

// Serving reports whether a worker is known to hold a client; false also where nobody
// reports.
func (s *Service) Serving(id int) bool {
	w := s.table.byID[id]
	return w != nil && !s.infer.on && w.holds()
}

// shown is the state of w, for people.
func (f *infer) shown(w *worker) string {
	switch {
	case w.retiring:
		return "retiring"
	case w.state == starting:
		return "starting"
	case f.on:
		return "unknown"
	case w.state == idle:
		return "idle"
	default:
		return "busy"
	}
}
