package policy

// This file has the events by which a service changes as a whole: a reload (R7) and a
// stop (R8). After Stop, Tick follows the times of the drain, and the end of the last
// worker emits Drained.

// drain is the stop of a service that lets its workers finish.
type drain struct {
	*core
	listening  *listening
	starts     *starts
	retirement *retirement
	short      *shortage
	stress     *stress
	rolling    *rolling
	original   *original

	killAt     Instant // end of its patience
	termAt     Instant // half of it, with TermAtHalf
	impatient  bool    // … which is over
	giveUpAt   Instant // workers that SIGKILL has not ended by then are left behind
	leftBehind bool
}

// Reload takes over a new configuration (R7). With the Retire extension it ends
// a pause and rolls the workers over to the new revision; the original opens
// a new channel and lets the pool be.
func (s *Service) Reload(now Instant, cfg Config) []Action {
	s.begin(now)
	s.cfg = cfg
	s.infer.set()
	s.work.restart()
	s.emit(Action{Kind: RestartWorkers, Why: Reload})
	if cfg.Retire {
		s.throttle.next = 0
		s.throttle.end(Reload)
		s.rolling.begin()
	}
	s.deadlines.replan() // the times are others, and whoever was new is old
	s.listening.reevaluate()
	return s.end()
}

// Stop ends the service (R8). With the Retire extension it is a drain: nothing
// is watched any more, everybody is asked to retire, those that do not are
// killed after StopTimeout, and Drained comes last; without it original.go has the stop.
func (s *Service) Stop(now Instant) []Action {
	s.begin(now)
	if s.draining || s.original.stopping {
		return s.actions
	}
	s.emit(Action{Kind: StatusClosed})
	if s.cfg.Retire {
		s.drain.begin()
	} else {
		s.original.stopAtOnce()
	}
	s.drain.finish()
	return s.end()
}

// KillAll ends a drain at once: the second signal to stop.
func (s *Service) KillAll(now Instant) []Action {
	s.begin(now)
	s.drain.killAll(Stop)
	return s.end()
}

func (d *drain) begin() {
	d.draining = true
	d.starts.forget()
	d.rolling.cancel()
	d.stress.endRestart() // its deadline would stay, and Tick would come again and again
	if d.cfg.StopTimeout > 0 {
		d.killAt = d.now + d.cfg.StopTimeout
		if d.cfg.TermAtHalf {
			d.termAt = d.now + d.cfg.StopTimeout/2
		}
	}
	d.retirement.retireAll(Stop)
	d.listening.settle()
}

// retireLate ends a worker whose start was answered after the drain had begun.
func (d *drain) retireLate(w *worker) {
	if d.impatient {
		d.retirement.kill(w, Stop)
		return
	}
	d.retirement.retire(w, Stop)
}

func (d *drain) killAll(why Why) {
	d.killAt, d.termAt, d.impatient = far, far, true
	if d.draining && d.cfg.AbortGrace > 0 && !d.leftBehind {
		d.giveUpAt = d.now + d.cfg.AbortGrace
	}
	if d.short.forsake() {
		d.finish()
	}
	if d.total() == 0 {
		d.giveUpAt = far
	}
	for w := d.table.oldest; w != nil; w = w.younger {
		d.retirement.kill(w, why)
	}
}

// termAll asks those that were left to themselves so far.
func (d *drain) termAll() {
	d.termAt = far
	for w := d.table.oldest; w != nil; w = w.younger {
		if w.aborted || w.killed { // they were asked already, and are being waited for
			continue
		}
		w.told = true
		d.table.touch(w)
		d.emit(Action{Kind: Signal, Worker: w.id, Number: sigTERM, Why: Stop})
	}
}

func (d *drain) tick() {
	if d.now >= d.termAt {
		d.termAll()
	}
	if d.now >= d.killAt {
		d.killAll(StopTimeout)
	}
	if d.now >= d.giveUpAt {
		d.leaveBehind()
	}
}

// leaveBehind ends the stop although workers are there: the kernel does not let
// SIGKILL end a process that waits for a dead file server or a broken disk, and a
// stop must not last as long as that.
func (d *drain) leaveBehind() {
	d.giveUpAt, d.leftBehind = far, true
	d.emit(Action{Kind: WarnLeftBehind, Number: d.total()})
	d.emit(Action{Kind: Drained})
}

// finish notices that the last worker is gone.
func (d *drain) finish() {
	if d.total()+d.short.owed > 0 || d.leftBehind {
		return
	}
	switch {
	case d.draining:
		d.killAt, d.termAt, d.giveUpAt = far, far, far
		d.emit(Action{Kind: Drained})
	case d.original.stopping:
		d.original.stopped()
	}
}
