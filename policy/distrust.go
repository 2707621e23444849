package policy

import "time"

// This file is about a revision whose test has failed. It is not trusted: while older
// workers serve, new ones are started one at a time and after pauses, as each may cost
// a client its request, and the older ones stay although they may not be needed at the
// moment. A new worker that serves a client ends that, as does the next reload.

// isTested: the end of w says whether its revision works.
func (r *rolling) isTested(w *worker) bool {
	return r.isNew(w) && !w.told && !r.proof.served && (r.on || r.proof.distrusted)
}

// newOnes is how many workers of the new revision there are.
func (r *rolling) newOnes() int {
	return r.table.total() - r.table.retiring - r.table.old + r.pending.n()
}

// holdsBack: no worker is started for a client, as older ones serve, and the revision
// that would be started is not proven.
func (r *rolling) holdsBack() bool {
	p := &r.proof
	if r.table.old == 0 {
		return false
	}
	return r.testing() || p.distrusted && (p.resumes != far || r.newOnes() > 0)
}

// mayGrow: a worker may be started for a client.
func (r *rolling) mayGrow() bool { return r.belowLimit() && !r.holdsBack() }

// keepsOld: w is one of those that serve while the newest revision cannot.
func (r *rolling) keepsOld(w *worker) bool { return r.proof.distrusted && !r.isNew(w) }

// failTest books that a worker of the new revision has failed before one of them
// has served anybody. It reports whether that stops something.
func (r *rolling) failTest(w *worker, cause Action) bool {
	r.table.blame(w)
	switch {
	case r.draining:
		return false
	case r.on:
		r.counters.BadStarts++
		return r.stop(w.generation, cause)
	case r.proof.distrusted && r.table.old > 0:
		r.counters.BadStarts++
		r.distrust(cause)
		r.listening.settle()
		return true
	default:
		return false
	}
}

// distrust ends the workers of a revision that has failed, and begins the pause
// before the next one is tried.
func (r *rolling) distrust(cause Action) {
	p := &r.proof
	first := max(r.cfg.ThrottleDelay, time.Second)
	if w := r.table.byID[cause.Worker]; w != nil && (w.taken || w.accepted) {
		first = distrustLong
	}
	longest := max(r.cfg.ThrottleMax, distrustLong)
	p.pause = min(max(2*p.pause, first), longest)
	p.distrusted, p.have, p.resumes = r.table.old > 0, false, r.now+p.pause
	if !p.distrusted { // nobody is there to fall back on
		p.resumes, p.pause = far, 0
		return
	}
	r.deadlines.replan()
	for w := r.table.youngest; w != nil && r.isNew(w); w = w.older {
		r.retirement.retire(w, Reload)
	}
}
