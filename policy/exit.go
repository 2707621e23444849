package policy

// This file books how a worker ended and judges it: as a good end, a crash at work
// (crash.go, silent.go), or a bad start, which stops a rolling restart or throttles. The
// caller delivers Exit last in a turn, so that what the worker has reported counts
// first.

// exits judges how workers end.
type exits struct {
	*core
	retirement *retirement
	throttle   *throttle
	infer      *infer
	rolling    *rolling
	original   *original

	crashes    burst
	firstCrash Instant // of a worker that had started well; never = there was none
}

// Exit books the end of a worker, or that it was merely stopped (R5).
func (s *Service) Exit(now Instant, id int, e End) []Action {
	s.begin(now)
	w := s.table.byID[id]
	switch {
	case w == nil:
		s.original.unknownExit(id)
		return s.actions
	case e.Stopped:
		s.emit(Action{Kind: WarnStopped, Worker: id, Generation: w.generation, End: e})
		return s.actions
	}
	switch {
	case s.cfg.PerConnection:
		s.sessions.judge(w, e)
	case s.rolling.isTested(w):
		s.exits.judgeTested(w, e)
	default:
		s.exits.judge(w, e)
	}
	s.table.remove(w)
	s.infer.blame(-1)
	s.counters.Exited++
	s.reports.heard()
	s.short.relieve()
	s.listening.reevaluate()
	s.sizes.retireLarge()
	if !e.Good() {
		s.infer.replaceCrashed()
	}
	s.drain.finish()
	return s.end()
}

// judge warns about a bad end, and throttles when the worker has no finished
// job. The worker that has ended is still in the counts meanwhile (R5.3b).
func (x *exits) judge(w *worker, e End) {
	if e.Unknown {
		x.counters.UnknownExits++
	}
	if e.Good() {
		x.judgeQuick(w)
		return
	}
	x.warnEnd(w, e)
	switch {
	case w.blamed || x.forgiven(w):
	case x.mayHaveStarted(w):
		x.crashed(w, e)
	case w.finished > 0 || x.infer.served(w) || x.infer.outlived(w):
	default:
		x.infer.storm.n = 0
		x.badStart(w, Action{Why: BadEnd, Worker: w.id, End: e, Generation: w.generation})
	}
}

// judgeTested judges the end of a worker by which its revision is judged. One that
// took a connection and exited with 0 serves one client, as some programs do.
func (x *exits) judgeTested(w *worker, e End) {
	if e.Unknown {
		x.counters.UnknownExits++
	}
	worked := e.Good() && (w.finished > 0 || w.taken || w.accepted || x.infer.waitedOnce(w))
	if !w.retiring { // it is about to exit
		x.retirement.setRetiring(w, BadEnd)
	}
	switch {
	case worked:
		x.rolling.prevail(true)
	case w.blamed:
		x.warnEnd(w, e)
	case e.Good() && x.infer.judgeTestedQuick(w):
	case e.Good():
		x.rolling.failTest(w, Action{Why: QuickEnd, Worker: w.id, Generation: w.generation})
	default:
		x.warnEnd(w, e)
		x.rolling.failTest(w, Action{Why: BadEnd, Worker: w.id, End: e, Generation: w.generation})
	}
}

// forgiven: told to retire is no failure. STOPPING=1 before a bad end is no
// excuse: programs say it on every way out. What was aborted was judged then.
func (x *exits) forgiven(w *worker) bool {
	return x.cfg.Retire && (w.told || w.aborted || w.killed)
}

// warnEnd says how a worker ended, unless it ended the way it was told to.
func (x *exits) warnEnd(w *worker, e End) {
	why := Why(0)
	if x.startedWell(w) {
		why = Crashed
	}
	switch {
	case e.Signal == 0:
		x.emit(Action{Kind: WarnExitStatus, Why: why, Worker: w.id, Generation: w.generation, End: e})
	case x.original.endedByStop(e):
	case x.cfg.Retire && (w.killed || w.aborted || w.told && e.Signal == x.cfg.RetireSignal):
	default:
		x.emit(Action{Kind: WarnKilled, Why: why, Worker: w.id, Generation: w.generation, End: e})
	}
}

// judgeQuick is the spawn-loop guard: the original takes a clean end before the
// first job as normal, and starts such a worker again and again without pause.
func (x *exits) judgeQuick(w *worker) {
	if x.cfg.QuickExit == 0 || w.taken || w.told || x.now-w.started > x.cfg.QuickExit {
		return
	}
	if x.infer.served(w) {
		x.infer.doubt.once = true
		return
	}
	if x.infer.on && x.infer.waiting() > 0 && !x.throttle.on && !x.draining {
		x.infer.doubtQuick(w)
		return
	}
	if !x.throttle.on && !x.draining && x.infer.mayHaveServed(w) {
		return
	}
	x.quick(w, x.cfg.QuickExits)
}

// quick books the end of a worker that served nothing, and pauses after so many in a row.
func (x *exits) quick(w *worker, most int) {
	if x.throttle.quick++; x.throttle.quick >= max(1, most) {
		x.badStart(w, Action{Why: QuickEnd, Worker: w.id, Generation: w.generation})
	}
}

// badStart books that w came to nothing: a rolling restart stops, or else worker
// creation pauses. While it pauses already, nothing is booked (R5.3b).
func (x *exits) badStart(w *worker, cause Action) {
	if x.rolling.isTested(w) && x.rolling.failTest(w, cause) {
		return
	}
	x.table.blame(w)
	if x.throttle.on || x.draining {
		return
	}
	x.counters.BadStarts++
	if x.rolling.stop(w.generation, cause) {
		return
	}
	warn := cause
	warn.Kind = WarnBadStart
	x.emit(warn)
	x.throttle.begin(cause)
}
