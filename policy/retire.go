package policy

// This file ends workers: it asks them to retire, and climbs the ladder of SIGABRT and
// SIGKILL with those that do not exit. Reload, stop, surplus, stress and the deadlines
// of timers.go call it; they re-evaluate afterwards.

// Signals of the kill ladder, by their Linux numbers: this package imports
// nothing of the system.
const (
	sigABRT = 6
	sigKILL = 9
	sigTERM = 15
)

// retirement ends workers. It has no state of its own: all of it is in the table.
type retirement struct {
	*core
	listening *listening
	deadlines *deadlines
	exits     *exits
	infer     *infer
	rolling   *rolling
}

// retire asks w to finish and exit. It is not available from this moment, and
// its end is no failure. It does not re-evaluate: its callers do, or settle.
func (r *retirement) retire(w *worker, why Why) {
	if w.retiring || r.cfg.NoRetireSignal {
		return
	}
	w.told = true
	r.setRetiring(w, why)
	r.emit(Action{Kind: Retire, Worker: w.id, Generation: w.generation, Why: why})
}

// noteStopping books that w exits by its own will (STOPPING=1).
func (r *retirement) noteStopping(w *worker) {
	if w.retiring {
		return
	}
	r.setRetiring(w, Stop)
	r.listening.settle()
}

func (r *retirement) setRetiring(w *worker, why Why) {
	r.table.count(w, -1)
	w.retiring, w.retiredAt, w.why = true, r.now, why
	if r.infer.on {
		w.held = 1 // it may hold a client: only the patience for busy ones applies
	}
	r.table.count(w, 1)
	r.deadlines.plan(w)
}

// retireAll asks everybody, if the extension is on; the original only opens a
// new channel, and the table stays as it was.
func (r *retirement) retireAll(why Why) {
	if !r.cfg.Retire {
		return
	}
	for w := r.table.oldest; w != nil; w = w.younger {
		r.retire(w, why)
	}
}

// retireUsedUp retires a worker that has served its share: when it is idle,
// unless it is looked at so seldom that it may never be found so.
func (r *retirement) retireUsedUp(w *worker, anyway bool) {
	if r.cfg.MaxRequests == 0 || w.retiring || w.holds() && !anyway || r.rolling.keepsOld(w) && r.table.old == 1 {
		return
	}
	if w.finished >= UsedUpAt(r.cfg.MaxRequests, w.generation) {
		r.retire(w, UsedUp)
		r.listening.settle()
	}
}

// UsedUpAt is after how many requests the worker of that generation is retired with a
// MaxRequests of n: n, plus or minus 10 %.
func UsedUpAt(n int, generation uint64) int {
	const fine = 10000
	return int((spread(Instant(n)*fine, generation) + fine/2) / fine) // never 0
}

// abort climbs the first rung of the ladder: SIGABRT, so that it may dump.
// Never ready and hung are bad starts when nothing was ever finished, unless it
// was told to retire before, or had started well.
func (r *retirement) abort(w *worker, why Why) {
	if !w.retiring {
		r.setRetiring(w, why)
	}
	w.aborted, w.abortedAt, w.why = true, r.now, why
	r.table.touch(w)
	r.counters.Killed++
	r.emit(Action{Kind: WarnTimeout, Worker: w.id, Why: why, Number: r.abortSignal(), Generation: w.generation})
	r.emit(Action{Kind: Signal, Worker: w.id, Why: why, Number: r.abortSignal()})
	r.deadlines.plan(w)
	switch {
	case why == BusyTimeout || w.told:
	case r.exits.mayHaveStarted(w):
		r.exits.crashed(w, End{Signal: r.abortSignal()})
	case w.finished == 0:
		r.exits.badStart(w, Action{Why: why, Worker: w.id, Generation: w.generation})
	}
	r.listening.settle()
}

func (r *retirement) abortSignal() int {
	if r.cfg.AbortSignal != 0 {
		return r.cfg.AbortSignal
	}
	return sigABRT
}

// kill climbs the last rung.
func (r *retirement) kill(w *worker, why Why) {
	if w.killed {
		return
	}
	if !w.aborted {
		r.counters.Killed++
	}
	if !w.retiring {
		r.setRetiring(w, why)
	}
	w.killed, w.why = true, why
	r.emit(Action{Kind: WarnTimeout, Worker: w.id, Why: why, Number: sigKILL, Generation: w.generation})
	r.emit(Action{Kind: Signal, Worker: w.id, Why: why, Number: sigKILL})
	r.deadlines.plan(w)
}
