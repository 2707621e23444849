// Package policy decides when a service watches its sockets, when it starts a
// worker, when it stops starting workers for a while, and when it tells workers
// that the service is under stress. It is the process-creation policy of
// Postfix master(8) as written down rule by rule in
// testdata/traces/FORMAT.md (R0 to R8 in the comments), plus extensions that
// are all off in the zero [Config].
//
// It is not a supervisor. It performs no I/O, reads no clock and starts no
// process: a method takes one event and the time, and returns the list of
// actions that its caller has to carry out, in order. The result of a birth
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
// Panic: the caller broke the protocol above (a birth that was not asked for,
// the same worker twice, time running backwards). Everything that a worker or
// the world does is answered with actions, never with a panic; the two fatal
// conditions of the original are the actions [PanicUnknownChild] and
// [PanicStatusEOF].
package policy

import "time"

// Instant is a moment: the time since an arbitrary epoch of the monotonic
// clock. Wall clocks do not occur in this package.
type Instant = time.Duration

// never is earlier than every moment that a strict comparison can meet.
const never = Instant(-1 << 63)

// far is later than every deadline.
const far = Instant(1<<63 - 1)

// Service is the state of one service: its pool of workers and the conditions
// it is in. Use [New].
type Service struct {
	cfg     Config
	now     Instant
	actions []Action // of the running event; its storage is used again by the next

	table      table
	generation uint64 // of the last birth, successful or not
	pending    birth  // asked of the caller, result not yet known

	watching    Watch
	lastWarning Instant
	stressUntil Instant
	fullSince   Instant // never = not full

	throttle  throttle
	guard     guard
	shrink    shrink
	rollOut   rollOut
	rest      rest
	sessions  sessions
	infer     infer
	trial     trial
	wanted    int // births that waiting connections still ask for
	quick     int // clean ends at once, in a row
	draining  bool
	stopping  bool    // R8, the original's way
	killAt    Instant // end of the drain's patience
	termAt    Instant // half of it, with TermAtHalf
	impatient bool    // … which is over
	heardAt   Instant // last report or end that changed something
	excused   Instant // nobody is late before that; see absence

	counters Counters
}

// New returns the service before its first event, which must be
// [Service.Start].
func New(cfg Config) *Service {
	s := &Service{
		cfg: cfg, table: newTable(),
		lastWarning: never, stressUntil: never, fullSince: never,
		killAt: far, termAt: far, heardAt: never,
		throttle: throttle{due: far}, guard: guard{due: far},
		shrink: shrink{ends: far}, rollOut: rollOut{due: far}, rest: rest{due: far},
		infer: infer{due: far, since: never, taken: never},
	}
	s.setInference()
	return s
}

// begin opens an event: R0 says that one clock reading holds for all of it.
func (s *Service) begin(now Instant) {
	if now < s.now {
		panic("policy: time runs backwards")
	}
	s.now = now
	s.actions = s.actions[:0]
}

// end closes an event: births that nobody waits for are considered after all
// else, so that real work goes first.
func (s *Service) end() []Action {
	s.roll()
	s.fill()
	s.noteRest()
	return s.actions
}

func (s *Service) emit(a Action) { s.actions = append(s.actions, a) }

// Start brings the service up (R2). The slice returned by this and every other
// event is valid until the next event.
func (s *Service) Start(now Instant) []Action {
	s.begin(now)
	s.reevaluate()
	return s.end()
}

// Tick says that time has passed and fires what is due. It comes first in
// every turn (R0), but for reports.
func (s *Service) Tick(now Instant) []Action {
	s.begin(now)
	if s.throttle.on && now >= s.throttle.due {
		s.unthrottle(PauseOver)
	}
	s.tickWorkers()
	s.tickGuard()
	s.tickInfer()
	s.tickShrink()
	s.tickDrain()
	s.tickRollOut()
	s.tickRest()
	return s.end()
}

// Deadline is the moment by which the caller has to call Tick, if there is one.
func (s *Service) Deadline() (Instant, bool) {
	d := min(s.guard.due, s.infer.due, s.shrink.ends, s.killAt, s.termAt, s.rollOut.due, s.rest.due, s.table.due())
	if s.throttle.on {
		d = min(d, s.throttle.due)
	}
	return d, d != far
}
