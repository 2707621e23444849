package policy

// This file books what workers report (R4). The caller delivers every report with
// Status, before Tick in the same turn.

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

// reports books what workers say, and what their state is from then on.
type reports struct {
	*core
	listening  *listening
	deadlines  *deadlines
	retirement *retirement
	sizes      *sizes
	throttle   *throttle
	stress     *stress
	guard      *guard
	infer      *infer
	rolling    *rolling
}

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
	v := s.reports.book(w, r)
	return s.end(), v
}

func (p *reports) book(w *worker, r Report) Verdict {
	if r.HasAvailable {
		p.infer.believe()
	}
	p.deadlines.beat(w, r)
	if r.Ready {
		p.prove(w)
	}
	if r.Held >= 0 {
		p.hold(w, r.Held)
	}
	if r.Finished > 0 && !r.HasAvailable {
		p.finish(w, r.Finished)
	}
	if r.Begun {
		p.begun(w)
	}
	v := Believed
	if r.HasAvailable {
		v = p.bookAvailable(w, r)
	}
	if r.Stopping {
		p.retirement.noteStopping(w)
	}
	p.retirement.retireUsedUp(w, r.Board)
	p.sizes.retireLarge()
	return v
}

// hold books how many clients w holds, which matters when it is to retire.
func (p *reports) hold(w *worker, clients int) {
	if w.held == clients {
		return
	}
	held := w.holds()
	p.table.count(w, -1)
	w.held = clients
	w.taken = w.taken || clients > 0
	p.table.count(w, 1)
	if w.holds() != held {
		w.since = p.now // its patience as an idle or a busy one begins now
	}
	p.deadlines.plan(w)
	p.heard()
}

// bookAvailable is R4 rules 4 and 5.
func (p *reports) bookAvailable(w *worker, r Report) Verdict {
	switch {
	case r.Available != Busy && r.Available != Idle:
		p.emit(Action{Kind: WarnUnknownStatus, Worker: w.id, Number: r.Available})
		p.listening.settle()
		return Nonsense
	case (r.Available == Idle) == (w.state != busy):
		p.prove(w)
		p.finish(w, max(r.Finished, 0))
		p.listening.settle() // the first report ends the inference
		return Redundant
	case r.Available == Idle:
		n := 1 // one job at a time is assumed, unless it counts itself
		if r.Finished >= 0 {
			n = r.Finished
		}
		p.finish(w, n)
		p.become(w, idle)
	default:
		p.finish(w, max(r.Finished, 0)) // before this one
		w.taken = true
		p.become(w, busy)
	}
	p.heard()
	p.listening.reevaluate()
	return Believed
}

// prove ends the starting state. It changes no availability, so it does not
// re-evaluate; but a proven idle worker may stop a listening that further
// starting ones did not (and lets the stall guard begin).
func (p *reports) prove(w *worker) {
	if w.state != starting {
		return
	}
	p.become(w, idle)
	p.heard()
	p.listening.settle()
}

// become moves w between the states of the table.
func (p *reports) become(w *worker, to state) {
	fresh := w.state == starting
	p.table.count(w, -1)
	w.state, w.since = to, p.now
	if !p.infer.on { // else a look tells, see work.go
		w.beginRequest(p.now)
	}
	if fresh {
		w.beat, w.ready = p.now, p.now // the watchdog begins now
	}
	p.table.count(w, 1)
	p.deadlines.plan(w)
	if fresh {
		p.rolling.proven(w)
		p.stress.replaced(w)
	}
}

func (p *reports) finish(w *worker, jobs int) {
	if jobs == 0 {
		return
	}
	w.finished += jobs
	p.uses++
	w.beginRequest(p.now) // one that stays busy is at the next one
	if p.cfg.SlowAfter > 0 {
		p.deadlines.plan(w)
	}
	p.rolling.proof.judge = true
	p.table.touch(w)
	w.taken, p.lastDone = true, p.now
	p.counters.Requests += uint64(jobs)
	p.heard()
	p.throttle.recover(w)
}

// heard is a sign of life of the pool, for the stall guard.
func (p *reports) heard() {
	p.guard.heard = true
	p.heardAt = p.now
}
