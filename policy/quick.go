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
// pause in vain has all clients wait. Only when a look has found that nobody was accepted
// since the worker was started has it served nothing. A look compares with the one before,
// which the first has not, so it takes two such ends in a row.

// quickLong is how long such ends go on at most until they are judged: the caller may not be
// allowed to look at that time. That it has seen somebody accept counts meanwhile.
const quickLong = 500 * time.Millisecond

// leastQuick is how many ends in a row it takes: the first look has nothing to compare with.
const leastQuick = 2

// doubt is the oldest end that is not judged yet.
type doubt struct {
	has    bool
	asked  bool   // the inspection under way is about it
	worker worker // as it was; not in the table any more
	since  Instant
	last   Instant // end of the kind
}

// doubtQuick has it looked whether w, which has ended, can have served anybody.
func (f *infer) doubtQuick(w *worker) {
	d := &f.doubt
	if !d.has || f.now-d.last > f.cfg.QuickExit {
		*d = doubt{has: true, worker: *w, since: f.now}
		d.worker.older, d.worker.younger = nil, nil
	}
	if d.last = f.now; f.now-d.since >= quickLong {
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
	f.inspecting, f.doubt.asked = true, true
	f.emit(Action{Kind: Inspect, Why: QuickEnd})
}

// judgeDoubt draws the conclusion from an inspection.
func (f *infer) judgeDoubt(e Evidence) {
	d := &f.doubt
	asked := d.asked
	d.asked = false
	switch {
	case !d.has:
	case f.served(&d.worker):
		if d.has = false; f.throttle.cause.Why != BadEnds { // then only a finished request is good news
			f.throttle.recover(&d.worker)
		}
	case !asked:
		f.lookIntoQuick()
	case len(e.Sockets) > 0: // else the lists may not be read yet, and the next end asks again
		f.servedNothing()
	}
}

func (f *infer) servedNothing() {
	if f.doubt.has = false; !f.served(&f.doubt.worker) {
		f.exits.quick(&f.doubt.worker, max(leastQuick, f.cfg.QuickExits))
	}
}
