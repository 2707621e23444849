// Package policy decides when a service watches its sockets, when it starts a
// worker, when it stops starting workers for a while, and when it tells workers
// that the service is under stress. It is the process-creation policy of
// Postfix master(8) as written down rule by rule in
// testdata/traces/FORMAT.md (R0 to R8 in the comments), plus extensions that
// are all off in the zero [Config].
//
// It is not a supervisor. It performs no I/O, reads no clock and starts no
// process: a method takes one event and the time, and returns the list of
// actions that its caller has to carry out, in order. The result of a start
// comes back as an event of its own ([Service.Started] or
// [Service.StartFailed]) before any other event is delivered. A Service belongs
// to one goroutine. It promises no API stability.
//
// A turn of the caller's event loop is: [Service.Tick] first, with the one
// clock reading of that turn, then the events of the turn with that same
// reading (R0). What workers have said may come before it: then nobody is taken
// for silent whose word is only unread.
//
// # Diagnostics
//
// Panic: the caller broke the protocol above (a start that was not asked for,
// the same worker twice, time running backwards). Everything that a worker or
// the world does is answered with actions, never with a panic; the two fatal
// conditions of the original are the actions [PanicUnknownChild] and
// [PanicStatusEOF].
package policy

// This file puts the rules of a service together, and has its first event and its
// deadlines. The caller makes a Service with New, calls Start once, and Tick at the
// beginning of every turn; begin (core.go) and end frame every event.

// Service is the state of one service: its pool of workers and the conditions
// it is in. Use [New]. Its methods are the events; each rule is a part with a state of its
// own.
type Service struct {
	core

	listening  listening
	starts     starts
	reports    reports
	deadlines  deadlines
	retirement retirement
	sizes      sizes
	exits      exits
	sessions   sessions
	throttle   throttle
	short      shortage
	stress     stress
	guard      guard
	infer      infer
	work       work
	shrink     shrink
	rolling    rolling
	drain      drain
	idleExit   idleExit
	original   original
}

// New returns the service before its first event, which must be
// [Service.Start]. What a rule needs of another it is given here, so this is the place that
// shows which rules act on which.
func New(cfg Config) *Service {
	s := &Service{core: core{cfg: cfg, table: newTable(), heardAt: never, lastDone: never}}
	c := &s.core
	s.listening = listening{
		core: c, throttle: &s.throttle, short: &s.short, guard: &s.guard, infer: &s.infer, shrink: &s.shrink, rolling: &s.rolling,
		lastWarning: never, fullSince: never,
	}
	s.starts = starts{
		core: c, listening: &s.listening, throttle: &s.throttle, stress: &s.stress, infer: &s.infer, rolling: &s.rolling, original: &s.original,
	}
	s.reports = reports{
		core: c, listening: &s.listening, deadlines: &s.deadlines, retirement: &s.retirement, sizes: &s.sizes, throttle: &s.throttle, stress: &s.stress,
		guard: &s.guard, infer: &s.infer, rolling: &s.rolling,
	}
	s.deadlines = deadlines{
		core: c, listening: &s.listening, reports: &s.reports, retirement: &s.retirement, infer: &s.infer, rolling: &s.rolling,
	}
	s.retirement = retirement{
		core: c, listening: &s.listening, deadlines: &s.deadlines, exits: &s.exits, infer: &s.infer, rolling: &s.rolling,
	}
	s.sizes = sizes{core: c, listening: &s.listening, retirement: &s.retirement, infer: &s.infer, rolling: &s.rolling}
	s.exits = exits{
		core: c, retirement: &s.retirement, throttle: &s.throttle, infer: &s.infer, rolling: &s.rolling, original: &s.original,
		firstCrash: never,
	}
	s.sessions = sessions{core: c, reports: &s.reports, exits: &s.exits, throttle: &s.throttle}
	s.throttle = throttle{core: c, listening: &s.listening, starts: &s.starts, stress: &s.stress, due: far}
	s.short = shortage{
		core: c, listening: &s.listening, starts: &s.starts, throttle: &s.throttle, stress: &s.stress, rolling: &s.rolling, drain: &s.drain,
		over: far,
	}
	s.stress = stress{
		core: c, listening: &s.listening, retirement: &s.retirement, infer: &s.infer, rolling: &s.rolling, until: never, stressRestart: stressRestart{due: far},
	}
	s.guard = guard{core: c, listening: &s.listening, starts: &s.starts, stress: &s.stress, rolling: &s.rolling, due: far}
	s.infer = infer{
		core: c, listening: &s.listening, starts: &s.starts, reports: &s.reports, deadlines: &s.deadlines, exits: &s.exits,
		throttle: &s.throttle, guard: &s.guard, work: &s.work, shrink: &s.shrink, rolling: &s.rolling,
		due: far, since: never, acceptedAt: never, newAt: never, sampledAt: never, storm: storm{fast: period{began: never}, slow: period{began: never}}, unclear: unclear{lookAt: far},
	}
	s.work = work{
		core: c, deadlines: &s.deadlines, retirement: &s.retirement, infer: &s.infer, due: far,
	}
	s.shrink = shrink{core: c, listening: &s.listening, retirement: &s.retirement, infer: &s.infer, rolling: &s.rolling, ends: far}
	s.rolling = rolling{
		core: c, listening: &s.listening, starts: &s.starts, deadlines: &s.deadlines, retirement: &s.retirement,
		throttle: &s.throttle, stress: &s.stress, infer: &s.infer,
		progress: progress{due: far, waits: far, proof: noProof()},
	}
	s.drain = drain{
		core: c, listening: &s.listening, starts: &s.starts, retirement: &s.retirement, short: &s.short, stress: &s.stress,
		rolling: &s.rolling, original: &s.original,
		killAt: far, termAt: far, giveUpAt: far,
	}
	s.idleExit = idleExit{core: c, throttle: &s.throttle, short: &s.short, rolling: &s.rolling, due: far}
	s.original = original{core: c, listening: &s.listening, throttle: &s.throttle}
	s.infer.set()
	return s
}

// end closes an event: starts that nobody waits for are considered after all
// else, so that real work goes first.
func (s *Service) end() []Action {
	s.short.serve()
	s.rolling.advance()
	s.infer.planLook()
	s.stress.pace()
	s.retirement.retireAbove()
	s.starts.fill()
	s.idleExit.plan()
	return s.actions
}

// Start brings the service up (R2). The slice returned by this and every other
// event is valid until the next event.
func (s *Service) Start(now Instant) []Action {
	s.begin(now)
	s.listening.reevaluate()
	if s.total() > 0 { // of an earlier process, which may be at requests
		s.work.touch()
	}
	return s.end()
}

// Tick says that time has passed and fires what is due. It comes first in
// every turn (R0), but for reports.
func (s *Service) Tick(now Instant) []Action {
	s.begin(now)
	if s.throttle.on && now >= s.throttle.due {
		s.throttle.end(PauseOver)
	}
	s.deadlines.tick()
	s.guard.tick()
	s.infer.tick()
	s.work.tick()
	s.shrink.tick()
	s.drain.tick()
	s.rolling.tick()
	s.idleExit.tick()
	s.short.tick()
	return s.end()
}

// Deadline is the moment by which the caller has to call Tick, if there is one.
func (s *Service) Deadline() (Instant, bool) {
	d := min(
		s.table.due(), s.guard.due, s.infer.due, s.infer.unclear.lookAt, s.work.due, s.shrink.ends, s.stress.due, s.short.over, s.idleExit.due,
		s.rolling.due, s.rolling.waits, s.rolling.proof.observeAt, s.rolling.proof.resumes,
		s.drain.killAt, s.drain.termAt, s.drain.giveUpAt,
	)
	if s.throttle.on {
		d = min(d, s.throttle.due)
	}
	return d, d != far
}
