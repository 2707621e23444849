package policy

import "time"

// This file judges workers that do not report and exit with 0 a moment after their start
// (judgeQuick in exit.go calls doubtQuick). Many programs do so after one request, or after
// some, and serve. Others exit without having served anybody, and must be started with
// growing pauses.
//
// A sample tells the two apart when the queue has become shorter. It has not where clients
// come as fast as they are served: whoever was answered is back before the worker has
// exited, and an overload hides it too. So the caller is asked to look who waits (an Inspect
// for QuickEnd), as nobody leaves a queue but by being accepted. Starts go on meanwhile: a
// pause in vain has all clients wait. Only when it was started after a look, and later ones
// have found that who waited then waits still, has the worker served nothing: a client that
// came and was served between two looks is seen by neither. Starts do not wait for looks, so
// the first such end, and mostly the second, cannot be judged.

// Such ends go on for so long at most until they are judged. That somebody was seen to accept
// counts meanwhile.
const (
	// quickUnknown is for sockets of which no look can tell.
	quickUnknown = 500 * time.Millisecond
	// quickLate is for looks that the caller may not make so soon, or that are late because
	// the machine is busy, or find nobody who waited before.
	quickLate = 5 * time.Second
)

// doubt is about the ends that are not judged yet.
type doubt struct {
	has    bool
	asked  bool    // the inspection under way is about them
	blind  bool    // the latest cannot tell
	worker worker  // the last that has ended, as it was; not in the table any more
	began  Instant // when the first that has ended was started
	since  Instant // that has ended
	last   Instant // the last has
	// once: the latest end of the kind that was judged is that of a worker that had served.
	once bool
	// still is when the look was answered at which somebody waited whom all looks since have
	// found there. It is kept when the doubt is over.
	still Instant
}

// doubtQuick has it looked whether w, which has ended, can have served anybody.
func (f *infer) doubtQuick(w *worker) {
	d := &f.doubt
	if !d.has || f.now-d.last > f.cfg.QuickExit {
		*d = doubt{has: true, began: w.started, since: f.now, once: d.once, still: d.still}
	}
	d.began, d.worker = min(d.began, w.started), *w
	d.worker.older, d.worker.younger = nil, nil
	most := quickLate
	if d.blind {
		most = quickUnknown
	}
	if d.last = f.now; f.now-d.since >= most {
		f.servedNothing()
		return
	}
	f.lookIntoQuick()
}

// lookIntoQuick asks for an inspection, unless one is under way: it may have begun before
// the end.
func (f *infer) lookIntoQuick() {
	if f.inspecting {
		return
	}
	f.doubt.asked = true
	f.look(QuickEnd)
}

// judgeDoubt draws the conclusion from an inspection.
func (f *infer) judgeDoubt(e Evidence) {
	d := &f.doubt
	asked, waits := d.asked, e.found(NobodyAccepts) && !e.found(SomebodyAccepts)
	d.asked = false
	if len(e.Sockets) > 0 && !waits { // else lists were not asked for, or may not be read yet
		d.still = f.now
	}
	switch {
	case !d.has:
	case f.acceptedAt > d.began:
		d.has, d.once = false, true
		if f.throttle.cause.Why != BadEnds { // then only a finished request is good news
			f.throttle.recover(&d.worker)
		}
		if f.rolling.testing() && f.servedByNew(&d.worker) {
			f.rolling.prevail(true)
		}
	case !asked:
		f.lookIntoQuick()
	case e.found(NotKnown):
		d.blind = true
	case waits && d.worker.started >= d.still:
		f.servedNothing()
	} // else the next end asks again
}

func (f *infer) servedNothing() {
	if f.doubt.has = false; f.acceptedAt <= f.doubt.began {
		f.doubt.once = false
		f.exits.quick(&f.doubt.worker, f.cfg.QuickExits)
	}
}

// waitedOnce reports whether w, which has ended with 0, was seen to wait at a socket, where
// programs are known that serve one client and leave so: as a rule a client has ended that.
func (f *infer) waitedOnce(w *worker) bool {
	return f.on && f.doubt.once && w.waits == WaitsAtSocket
}

// judgeTestedQuick judges such an end of a worker that is tested after a reload, where those
// before it have served a client each. It reports false if it has failed. Where older workers
// accept beside it nothing can be known. They exit after a request, too, and none is started in
// their place meanwhile, so further workers are tested until the older ones are gone.
func (f *infer) judgeTestedQuick(w *worker) bool {
	switch {
	case !f.on || !f.doubt.once || !f.rolling.on || f.now-w.started > f.cfg.QuickExit:
		return false
	case f.servedByNew(w):
		f.rolling.prevail(true)
		return true
	case f.waiting() == 0 && !f.served(w):
		return false
	case f.rolling.alone(w):
		f.doubtQuick(w)
		return true
	default:
		return f.now < f.rolling.began+proofLimit
	}
}
