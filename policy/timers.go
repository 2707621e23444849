package policy

import "time"

// This file knows when each worker needs attention next. Whatever changes a worker calls
// plan; Tick calls tick first of all, which acts on those that are due.

// deadlines are those of the workers.
type deadlines struct {
	*core
	listening  *listening
	reports    *reports
	retirement *retirement
	infer      *infer
	rolling    *rolling

	excused Instant // nobody is late before that; see absence
}

// plan works out anew when w needs attention.
func (d *deadlines) plan(w *worker) {
	due, _ := d.attention(w)
	d.table.schedule(w, due)
}

// replan works out anew when each worker does: of what attention asks something has changed.
func (d *deadlines) replan() {
	for w := d.table.oldest; w != nil; w = w.younger {
		d.plan(w)
	}
}

// absence is how much later than asked for Tick may come. After more, this process
// did not run (it was stopped or frozen, perhaps the workers too), so that silence
// means nothing: everybody gets as long to be heard before anybody is judged.
const absence = time.Second

// attention is the earliest moment at which something has to be done about w,
// and what.
func (d *deadlines) attention(w *worker) (Instant, Why) {
	a := earliest{at: far}
	switch {
	case w.killed:
		return far, 0
	case w.aborted:
		return max(w.abortedAt+d.cfg.AbortGrace, w.dumpsUntil), w.why
	case w.retiring && w.holds():
		a.add(d.cfg.RetireTimeout, max(w.retiredAt, w.since), RetireTimeout)
	case w.retiring:
		a.add(d.cfg.IgnoreTimeout, max(w.retiredAt, w.since), RetireIgnored)
	case !w.executed && d.cfg.ExecTimeout > 0: // it is not what will be proven by its age
		a.add(d.cfg.ExecTimeout, w.started, ExecTimedOut)
	case w.state == starting && d.infer.on && w.takesNothing() && d.rolling.testing() && d.rolling.isNew(w):
		// the test has an end of its own
	case w.state == starting && d.infer.on && w.takesNothing() && d.rolling.isNew(w):
		a.add(d.cfg.StartTimeout, w.started, StartTimeout) // it replaces another, and was seen not to accept yet
	case w.state == starting && d.infer.on:
		a.add(d.infer.patience(), w.started, OldEnough)
	case w.state == starting:
		a.add(d.cfg.StartTimeout, w.started, StartTimeout)
		if !d.cfg.ProvenByReport {
			a.add(d.cfg.ProvenAfter, w.started, OldEnough)
		}
	}
	if w.state == busy {
		a.add(d.cfg.BusyTimeout, w.since, BusyTimeout)
		if at := d.slowAt(w); at < a.at {
			a = earliest{at, Slow}
		}
	}
	if w.state != starting && !d.infer.on {
		a.add(d.cfg.Watchdog, w.beat, WatchdogSilent)
	}
	if !w.retiring && !d.cfg.NoRetireSignal && !d.rolling.keepsOld(w) {
		a.add(spread(d.cfg.MaxLifetime, w.generation), w.started, TooOld)
	}
	return max(a.at, d.excused), a.why
}

type earliest struct {
	at  Instant
	why Why
}

func (e *earliest) add(d time.Duration, from Instant, why Why) {
	if d > 0 && from+d < e.at {
		e.at, e.why = from+d, why
	}
}

// spread varies d by up to 10 % either way, by a number that differs from
// worker to worker but not from run to run.
func spread(d time.Duration, generation uint64) time.Duration {
	if d == 0 {
		return 0
	}
	x := generation * 0x9e3779b97f4a7c15 // Fibonacci hashing
	share := int64(x>>40) % 2001         // 0 … 2000 = -10 % … +10 %
	step := int64(d) / 10000
	if step == 0 {
		return d
	}
	return d + time.Duration((share-1000)*step)
}

func (d *deadlines) tick() {
	if d.table.due() < d.now-absence {
		d.excused = d.now + absence
		d.replan()
	}
	for d.table.due() <= d.now {
		w := d.table.order[0]
		switch _, why := d.attention(w); why {
		case TooOld:
			d.retirement.retire(w, TooOld)
			d.listening.settle()
		case OldEnough:
			d.reports.prove(w)
		case Slow:
			d.tellSlow(w)
		case RetireTimeout, RetireIgnored:
			d.retirement.kill(w, why)
		default:
			if w.aborted {
				d.retirement.kill(w, why)
			} else {
				d.retirement.abort(w, why)
			}
		}
	}
}

// beat books the signs of life in a report, and the worker's own wish to be
// looked at.
func (d *deadlines) beat(w *worker, r Report) {
	if r.Trigger && d.cfg.Watchdog > 0 && !w.aborted && !w.killed {
		d.retirement.abort(w, WatchdogAsked)
		return
	}
	if r.Alive {
		w.beat = d.now
		d.plan(w)
	}
}
