package policy

import "time"

// This file has the rolling restart. Reload begins it, every event advances it at its
// end (advance), Tick lets a batch that takes too long pass, and a startup
// failure of the new revision stops it.

// rolling is the rolling restart of a reload: it replaces the workers that run an
// older revision of the command or its configuration. It has two stages. First one
// worker of the new revision is tested (proof.go); no older worker is retired for
// it before it is proven, but at the limit, where a slot has to come free for it.
// Then the others are replaced in batches of a quarter of the limit, so that
// nobody is refused and nobody waits longer than a worker's start. Replacements
// are not demand: they open no stress window.
type rolling struct {
	*core
	listening  *listening
	starts     *starts
	deadlines  *deadlines
	retirement *retirement
	throttle   *throttle
	stress     *stress
	infer      *infer

	progress
}

// progress is how far the latest rolling restart has come.
type progress struct {
	on     bool
	last   uint64 // the youngest generation to be replaced
	whole  int    // workers to replace at the beginning
	batch  int
	owed   int // retired before their replacement was there
	due    Instant
	began  Instant
	gone   Instant // since then no older worker is there; far = one is
	waits  Instant // when it is said that the test has found no room; far = not
	failed bool    // a startup failure stopped the latest one
	proof  proof
}

// Times of the rolling restart.
const (
	// quiet is how long nothing may have happened for a pool without busy
	// workers to count as idle; between two requests of a busy one everybody
	// is idle for an instant too.
	quiet = time.Second
	// patience is how long a batch at the limit may take to exit before the
	// next one is retired: sessions that last must not hold everybody up.
	patience = 5 * time.Second
	// roomLong is how long a pool at its limit may take to make room for the test
	// before whoever asked for the reload is told. Workers whose sessions last, or
	// that do not exit when they are asked, may keep their slots for hours.
	roomLong = 30 * time.Second
)

func (r *rolling) begin() {
	r.stress.endRestart() // all that it would ask are replaced now
	r.table.divide(r.generation)
	r.progress = progress{
		on: true, last: r.generation, whole: r.table.old, batch: r.batchSize(), due: far,
		began: r.now, gone: far, waits: r.now + roomLong, proof: noProof(),
	}
	p := &r.proof
	p.have, p.served = !r.cfg.ProveReload, !r.cfg.ProveReload
	switch {
	case r.cfg.PerConnection: // sessions go on as they are; the next connection starts the new command
		r.whole = 0
		r.finish()
	case r.cfg.NoRetireSignal && (p.have || !r.belowLimit()): // nobody can be retired to make room for a test
		r.finish()
	case p.have && r.table.busy == 0 && r.heardAt < r.now-quiet:
		r.retireIdle()
	}
}

// retireIdle retires an idle pool beyond the spares: it needs no replacement.
func (r *rolling) retireIdle() {
	n := r.table.idle - r.cfg.MinSpare
	for w := r.table.oldest; w != nil && n > 0; w = w.younger {
		if w.state == idle && r.replaceable(w) && !w.holds() {
			r.retirement.retire(w, Reload)
			n--
		}
	}
}

func (r *rolling) replaceable(w *worker) bool { return !w.retiring && w.generation <= r.last }

// advance takes the rolling restart one step further. It runs at the end of every
// event while there is one.
func (r *rolling) advance() {
	if w := r.table.oldest; w == nil || r.isNew(w) { // one that is asked to exit may accept once more
		r.gone = min(r.gone, r.now)
	}
	r.judgeTest()
	r.planObservation()
	if !r.on || r.throttle.on || r.draining {
		return
	}
	for r.proof.kept > 0 && !r.lastStays() {
		r.proof.kept--
		if r.retireOld() { // who comes next may find nobody else idle
			r.listening.settle()
		}
	}
	old := r.table.old
	coming := r.pending.n() + r.table.fresh // replacements on their way
	switch {
	case !r.proof.have:
		r.test()
	case old == 0 && r.owed == 0 || r.cfg.NoRetireSignal: // who cannot be retired is replaced as it exits
		r.finish()
	case r.pending.n() > 0:
	case r.belowLimit() && coming < min(r.batch, old-r.proof.kept+r.owed):
		r.starts.request(Replacement)
		r.listening.settle()
	case r.belowLimit() || coming > 0 || r.owed > 0 && r.due != far:
	case old == 0: // all are asked; the slots of long sessions come free in time
		r.finish()
	default:
		r.retireBatch(min(r.batch, old))
	}
}

// retireBatch makes room at the limit. Those above a limit that was lowered go
// along: nobody takes their place.
func (r *rolling) retireBatch(n int) {
	for above := r.total() - r.table.retiring - r.cfg.Limit; above > 0 && r.retireOld(); above-- {
	}
	for ; n > 0 && r.retireOld(); n-- {
		r.owed++
	}
	r.due = r.now + patience
	r.listening.settle()
}

// retireOld retires one old worker: an idle one if there is one, else the one
// that got busy last. One that holds a long session is asked at the end, as its
// slot would keep the next batch waiting. The last one stays until it is known
// that the new ones serve, see lastStays.
func (r *rolling) retireOld() bool {
	if r.lastStays() {
		return false
	}
	var chosen *worker
	for w := r.table.oldest; w != nil && w.generation <= r.last; w = w.younger {
		if !r.replaceable(w) {
			continue
		}
		if chosen == nil || !w.holds() || w.since > chosen.since {
			chosen = w
		}
		if !w.holds() {
			break
		}
	}
	if chosen == nil {
		return false
	}
	r.retirement.retire(chosen, Reload)
	return true
}

// proven books that a worker is ready: an old one may be retired for it, if the
// revision is proven.
func (r *rolling) proven(w *worker) {
	r.proof.judge = true
	if r.on && r.proof.have && !w.retiring && r.isNew(w) {
		r.replace()
	}
}

// replace retires an old worker for a new one, if none was already.
func (r *rolling) replace() {
	switch {
	case r.owed > 0:
		r.owed--
	case !r.retireOld() && r.table.old > 0:
		r.proof.kept++ // it is retired as soon as the last one may be
	}
}

// alone: no older worker can have accepted since w was started.
func (r *rolling) alone(w *worker) bool { return r.isNew(w) && w.started >= r.gone }

func (r *rolling) tick() {
	if r.now >= r.due {
		r.due = far // advance, at the end of the event, retires the next batch
	}
	if r.now >= r.waits {
		r.waits = far
		if r.testing() && r.newOnes() == 0 && r.table.retiring > 0 {
			r.emit(Action{Kind: RollingWaits, Number: r.table.retiring})
		}
	}
	r.tickProof()
}

func (r *rolling) finish() {
	r.on, r.due, r.waits = false, far, far
	r.proof.rest()
	r.deadlines.replan()
	r.emit(Action{Kind: RollingDone, Number: r.whole})
	r.listening.settle() // it may have held back starts for clients
}

// cancel ends it because the service is being stopped: all workers are retired then.
func (r *rolling) cancel() {
	r.on, r.due, r.waits, r.proof = false, far, far, noProof()
	r.deadlines.replan()
}

// stop stops it because of a startup failure of the new revision: the old
// workers stay, and creation is not throttled. It reports whether it did.
func (r *rolling) stop(generation uint64, cause Action) bool {
	if !r.on || generation <= r.last || r.proof.served && r.table.old == 0 {
		return false
	}
	r.on, r.failed, r.due, r.waits = false, true, far, far
	r.proof.rest()
	r.deadlines.replan() // the test has an end of its own, and it is over
	if !r.proof.served {
		r.distrust(cause)
	}
	cause.Kind, cause.Number = RollingStopped, r.table.old
	r.emit(cause)
	r.listening.settle()
	return true
}
