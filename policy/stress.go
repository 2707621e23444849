package policy

import "time"

// This file has the stress window: which start opens it (R3), and how the workers that run
// are told. starts.grow calls test before a start for a client, and every event ends with
// pace.
//
// The latter is "restart the workers" of FORMAT.md. In the original
// that is one byte for all: every worker exits when it is done, at the very moment
// when all are needed, and clients wait for as many starts. With the Retire extension
// the same workers are asked in batches: half as many as are idle, a quarter of the limit
// at most, and a twentieth at least (one, if that is less). The next batch is asked when
// as many replacements are ready, or after stressPatience if the load has no need of
// them. A busy worker finishes what it has. So the pool is never empty, and a load of
// which it had little to spare still finds nearly all of it. (A quarter at a time,
// whatever was idle, made the p99 of the wait 60 ms in place of 20: make bench
// BENCH=TestStressPace, a load of 80 % of 20 workers that take 0.3 s to start.)

// stressPatience is how long a batch waits for its replacements.
const stressPatience = 30 * time.Second

// stress is the window, and the restart of the workers that belongs to it.
type stress struct {
	*core
	listening  *listening
	retirement *retirement
	infer      *infer
	rolling    *rolling

	until Instant // end of the window
	stressRestart
}

// stressRestart is a restart of the workers that is under way.
type stressRestart struct {
	upTo uint64  // workers up to this generation are to be asked; 0 = no restart is under way
	owed int     // of the latest batch: replacements that are not ready yet
	due  Instant // the next batch is asked by then anyway; far = nothing is owed
}

// on reports whether workers that are started now are flagged.
func (r *stress) on() bool { return r.cfg.StressEligible && r.until > r.now }

// test is R3 step 1: the spawn that fills the last slot opens the stress
// window or makes it longer.
func (r *stress) test() {
	if !r.cfg.StressEligible || r.cfg.Limit == 0 || r.total()+1 < r.cfg.Limit {
		return
	}
	if r.until < r.now {
		r.counters.StressEpisodes++
		if !r.cfg.NoStressRestart && !(r.cfg.StressAfterReport && r.infer.on) {
			r.emit(Action{Kind: RestartWorkers, Why: Stress})
			r.restart()
		}
	}
	r.until = r.now + r.cfg.stressHold()
}

// restart asks the first batch of those that run now. It does not
// re-evaluate (R3): a start follows.
func (r *stress) restart() {
	if !r.cfg.Retire || r.cfg.NoRetireSignal || r.rolling.failed {
		return
	}
	r.stressRestart = stressRestart{upTo: r.generation, due: far}
	if !r.rolling.on {
		r.retireBatch()
	}
}

// pace asks the next batch if it is time. It runs at the end of every
// event while there is a restart.
func (r *stress) pace() {
	switch {
	case r.upTo == 0 || r.owed > 0 && r.now < r.due:
	case r.draining || r.rolling.on: // these replace workers, too
		r.owed, r.due = 0, far // the next batch is due when that is over, and Tick in vain until then
	case r.rolling.failed:
		r.endRestart() // the program of today does not start: keep those that run
	default:
		r.retireBatch()
		r.listening.settle()
	}
}

// retireBatch asks idle workers first, as they cost nobody anything. When
// there is nobody left to ask, the restart is over.
func (r *stress) retireBatch() {
	least := max(1, r.batchSize()/5)
	asked, most := 0, min(max(least, r.table.idle/2), r.batchSize())
	for _, holding := range []bool{false, true} {
		for w := r.table.oldest; w != nil && w.generation <= r.upTo && asked < most; w = w.younger {
			if !w.retiring && w.holds() == holding {
				r.retirement.retire(w, Stress)
				asked++
			}
		}
	}
	if r.owed, r.due = asked, r.now+stressPatience; asked == 0 {
		r.endRestart()
	}
}

// replaced books that w is ready, if it was started since the restart began.
func (r *stress) replaced(w *worker) {
	if r.upTo > 0 && w.generation > r.upTo && r.owed > 0 {
		r.owed--
	}
}

func (r *stress) endRestart() { r.stressRestart = stressRestart{due: far} }

// resume goes on where an earlier process was interrupted. Those that
// it had asked, and those that are starting, are a batch that is not through yet.
func (r *stress) resume(upTo uint64) {
	r.endRestart()
	if upTo == 0 {
		return
	}
	r.upTo = upTo
	for w := r.table.oldest; w != nil; w = w.younger {
		if w.generation <= upTo && w.retiring || w.generation > upTo && w.state == starting {
			r.owed++
			r.due = r.now + stressPatience
		}
	}
}
