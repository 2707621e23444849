package policy

// Values of [Report].Available that FORMAT.md knows; every other number is
// nonsense.
const (
	Busy = 0 // "false"
	Idle = 1 // "true"
)

// Report is what one message of a worker says.
type Report struct {
	Worker     int
	Generation uint64
	// Available is Busy, Idle or nonsense, if HasAvailable.
	Available    int
	HasAvailable bool
	// Ready proves the worker without changing its availability.
	Ready bool
	// Held is how many clients it holds, Finished how many jobs it finished
	// since its last report; -1 = not said.
	Held, Finished int
	// Board: it is not what the worker sent, but what was found on the
	// availability board, where it may have done several jobs since the last
	// look. Begun says that it has taken one.
	Board, Begun bool
	// Alive feeds the watchdog, Trigger asks it to act, Stopping says that
	// the worker will never be available again.
	Alive, Trigger, Stopping bool
}

// Verdict tells the caller whether a report was believed.
type Verdict uint8

// Verdicts.
const (
	Believed  Verdict = iota
	Unknown           // no such worker
	Stale             // wrong generation
	Redundant         // said what the table says already
	Nonsense          // a value that is neither busy nor idle
)

// Status books one report (R4). Order of the checks: worker, generation,
// value.
func (s *Service) Status(now Instant, r Report) ([]Action, Verdict) {
	s.begin(now)
	w := s.table.byID[r.Worker]
	if w == nil {
		return s.actions, Unknown
	}
	if w.generation != r.Generation {
		s.emit(Action{Kind: InfoStale, Worker: r.Worker, Generation: r.Generation})
		return s.actions, Stale
	}
	v := s.book(w, r)
	return s.end(), v
}

func (s *Service) book(w *worker, r Report) Verdict {
	if r.HasAvailable {
		s.believe()
	}
	s.beatOf(w, r)
	if r.Ready {
		s.prove(w)
	}
	if r.Held >= 0 {
		s.hold(w, r.Held)
	}
	if r.Finished > 0 && !r.HasAvailable {
		s.finish(w, r.Finished)
	}
	if r.Begun {
		s.begun(w)
	}
	v := Believed
	if r.HasAvailable {
		v = s.bookAvailable(w, r)
	}
	if r.Stopping {
		s.leave(w)
	}
	s.retireUsedUp(w, r.Board)
	return v
}

// hold books how many clients w holds, which matters when it is to leave.
func (s *Service) hold(w *worker, clients int) {
	if w.held == clients {
		return
	}
	held := w.holds()
	s.table.count(w, -1)
	w.held = clients
	s.table.count(w, 1)
	if w.holds() != held {
		w.since = s.now // its patience as an idle or a busy one begins now
	}
	s.plan(w)
	s.heard()
}

// bookAvailable is R4 rules 4 and 5.
func (s *Service) bookAvailable(w *worker, r Report) Verdict {
	switch {
	case r.Available != Busy && r.Available != Idle:
		s.emit(Action{Kind: WarnUnknownStatus, Worker: w.id, Number: r.Available})
		s.settle()
		return Nonsense
	case (r.Available == Idle) == (w.state != busy):
		s.prove(w)
		s.finish(w, max(r.Finished, 0))
		s.settle() // the first report ends the inference
		return Redundant
	case r.Available == Idle:
		n := 1 // one job at a time is assumed, unless it counts itself
		if r.Finished >= 0 {
			n = r.Finished
		}
		s.finish(w, n)
		s.become(w, idle)
	default:
		s.finish(w, max(r.Finished, 0)) // before this one
		w.taken = true
		s.become(w, busy)
	}
	s.heard()
	s.reevaluate()
	return Believed
}

// prove ends the starting state. It changes no availability, so it does not
// re-evaluate; but a proven idle worker may stop a listening that further
// starting ones did not (and lets the stall guard begin).
func (s *Service) prove(w *worker) {
	if w.state != starting {
		return
	}
	s.become(w, idle)
	s.heard()
	s.settle()
}

// become moves w between the states of the table.
func (s *Service) become(w *worker, to state) {
	fresh := w.state == starting
	s.table.count(w, -1)
	w.state, w.since = to, s.now
	if fresh {
		w.beat = s.now // the watchdog begins now
	}
	s.table.count(w, 1)
	s.plan(w)
	if fresh {
		s.proven(w)
	}
}

func (s *Service) finish(w *worker, jobs int) {
	if jobs == 0 {
		return
	}
	w.finished += jobs
	s.table.touch(w)
	w.taken = true
	s.counters.Requests += uint64(jobs)
	s.heard()
	s.recover(w)
}

// heard is a sign of life of the pool, for the stall guard.
func (s *Service) heard() {
	s.guard.heard = true
	s.heardAt = s.now
}

// PartialStatus, StatusReadError and StatusEOF are the mishaps of a status
// channel (R4). None changes the state.
func (s *Service) PartialStatus(now Instant, id int) []Action {
	s.begin(now)
	s.emit(Action{Kind: WarnPartialStatus, Worker: id})
	return s.actions
}

// StatusReadError books a failed read of the status channel.
func (s *Service) StatusReadError(now Instant) []Action {
	s.begin(now)
	s.emit(Action{Kind: WarnReadError})
	return s.actions
}

// StatusEOF books an end-of-file on the status channel, which the original
// does not survive.
func (s *Service) StatusEOF(now Instant) []Action {
	s.begin(now)
	s.emit(Action{Kind: PanicStatusEOF})
	return s.actions
}
