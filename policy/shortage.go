package policy

import "time"

// This file pauses creation when the system refuses a start. StartRefused, AcceptFailed and
// NotExecuted begin such a pause; the end of a worker and Tick end it.
//
// A start or an accept that the system refuses for want of something (processes,
// descriptors, memory) says nothing about the workers or their command. So it is no
// startup failure: creation pauses for a moment, without growing pauses, and goes on
// at the next end of a worker, which has given something back. All refusals until
// starts have worked for a while are one shortage, of which is told once.
//
// Where a worker is started with its connection, that connection was accepted and
// cannot go back to the kernel. The caller keeps it, the policy counts it as owed:
// nothing more is accepted, and the next start is for it.

// Times of a shortage.
const (
	// firstPause and longestPause bound the time between two tries. What is wanting may
	// be given back by processes of others, of which nobody tells.
	firstPause   = 100 * time.Millisecond
	longestPause = time.Second
	// shortageOver is for how long no start may have been refused for the shortage to be
	// over: at a limit each end of a worker makes room for one.
	shortageOver = 10 * time.Second
	// shortageStopsRolling is after how long a rolling restart that waits for its replacement
	// gives up: the limit is one that is always there.
	shortageStopsRolling = 10 * time.Second
)

// shortage is what the service knows of one.
type shortage struct {
	*core
	listening *listening
	starts    *starts
	throttle  *throttle
	stress    *stress
	rolling   *rolling
	drain     *drain

	on    bool
	since Instant
	pause time.Duration
	over  Instant // it is over then, unless a start is refused again; far = none has worked
	owed  int     // accepted connections that the caller keeps
}

// StartRefused answers a Start action: the system refused for want of something, and
// with owed the caller keeps the connection that the worker was to be started with.
// [Service.StartFailed] is for a command that is at fault.
func (s *Service) StartRefused(now Instant, generation uint64, owed bool) []Action {
	s.begin(now)
	b := s.starts.answer(generation)
	s.counters.SpawnFailures++
	s.short.owe(owed)
	s.short.begin(b)
	s.listening.settle()
	s.drain.finish()
	return s.end()
}

// AcceptFailed books that a waiting connection could not be accepted for want of
// something. It waits on in the kernel.
func (s *Service) AcceptFailed(now Instant) []Action {
	s.begin(now)
	s.counters.SpawnFailures++
	s.short.begin(pendingStart{})
	return s.end()
}

// Executed books that a worker's command is executed. Until then it may not even
// hear a signal: whoever serves the command's file decides how long that takes.
func (s *Service) Executed(now Instant, id int) []Action {
	s.begin(now)
	if w := s.table.byID[id]; w != nil && !w.executed {
		w.executed = true
		s.deadlines.plan(w)
	}
	return s.end()
}

// NotExecuted books the end of a worker whose command could not be executed: by the
// command's fault, or, with refused, for want of something. owed is as in
// [Service.StartRefused].
func (s *Service) NotExecuted(now Instant, id int, refused, owed bool) []Action {
	s.begin(now)
	w := s.table.byID[id]
	if w == nil {
		return s.actions
	}
	b := pendingStart{generation: w.generation}
	if s.rolling.on && w.generation > s.rolling.last {
		b.why = Replacement
	}
	s.table.remove(w)
	s.infer.blame(-1)
	s.counters.Exited++
	s.counters.SpawnFailures++
	s.reports.heard()
	s.short.owe(owed)
	switch {
	case s.exits.forgiven(w):
	case refused:
		s.short.begin(b)
	case !s.draining && !s.rolling.stop(w.generation, Action{Why: StartRefused}):
		s.throttle.begin(Action{Why: StartRefused})
	}
	s.listening.reevaluate()
	s.drain.finish()
	return s.end()
}

// GaveUp books that the caller has closed an owed connection.
func (s *Service) GaveUp(now Instant) []Action {
	s.begin(now)
	s.short.owed = max(0, s.short.owed-1)
	s.listening.settle()
	s.drain.finish()
	return s.end()
}

func (h *shortage) owe(owed bool) {
	switch {
	case owed && h.drain.impatient: // nobody is started for it any more
		h.emit(Action{Kind: CloseOwed, Number: 1})
	case owed:
		h.owed++
	}
}

// serve starts the worker of the first owed connection. While the service drains,
// too: who was accepted is served.
func (h *shortage) serve() {
	if h.owed == 0 || h.pending.n() > 0 || h.throttle.on || h.drain.impatient || !h.belowLimit() {
		return
	}
	h.owed--
	h.stress.test()
	h.starts.request(Demand)
	h.listening.settle()
}

// forsake has the caller close what is owed, at the end of a stop, and reports
// whether anything was.
func (h *shortage) forsake() bool {
	if h.owed == 0 {
		return false
	}
	h.emit(Action{Kind: CloseOwed, Number: h.owed})
	h.owed = 0
	return true
}

// begin begins a pause; the first of a shortage is told. b is the refused start.
func (h *shortage) begin(b pendingStart) {
	h.starts.forget()
	h.over = far
	if !h.on {
		h.pause, h.since = 0, h.now
	}
	if b.why == Replacement && h.now-h.since >= shortageStopsRolling {
		h.rolling.stop(b.generation, Action{Why: Shortage})
	}
	if h.throttle.on {
		return
	}
	h.pause = min(max(2*h.pause, firstPause), longestPause)
	h.throttle.wait(h.pause)
	if !h.on {
		h.on = true
		h.counters.Throttles++
		h.throttle.cause = Action{Kind: Throttle, Why: Shortage, Until: h.throttle.due}
		h.emit(h.throttle.cause)
	}
	h.listening.reevaluate()
}

// relieve ends the pause of a shortage: a worker has ended.
func (h *shortage) relieve() {
	if h.throttle.shortage {
		h.throttle.end(Room)
	}
}

// worked books that a start was not refused.
func (h *shortage) worked() {
	if h.on && h.over == far {
		h.pause, h.over = 0, h.now+shortageOver
	}
}

func (h *shortage) tick() {
	if h.now >= h.over {
		h.on, h.over = false, far
		h.emit(Action{Kind: Unthrottle, Why: Room})
	}
}
