package policy

// This file is about ends of workers that do not report, and of which nobody has seen whether
// they had a connection. Such a one has failed to start, or it has taken one, and crashed at
// it or left with 0 as programs for one request do: one that waits at a socket takes a
// connection before anybody else can see that there was one. Where some workers are kept
// waiting, the first clients of all would pause the service for everybody.
//
// What tells the two apart is what becomes of workers that are started after it. One that
// waits at a socket has come as far as that, and shows that starts work. So such ends are no
// failures until mostUnclear of them have come one after the other without anybody in between
// that had come so far; no more once there was a pause; and not if many of them go on for long
// (startsFail in silent.go). The caller is asked to look at those that are started meanwhile
// ([Observe]), at growing intervals, which ends when one was seen to wait, or nobody came for
// long.

// mostUnclear is how many starts it may cost until it shows that none works.
const mostUnclear = 3

// unclear is what is known of such ends.
type unclear struct {
	n      int     // how many there were one after the other
	good   bool    // the latest was with 0, a moment after the start
	after  uint64  // who was started later tells whether starts work
	last   Instant // the latest
	lookAt Instant // at those workers; far = not yet, or not any more
}

// mayHaveTaken reports whether w, of which nothing is known, is taken for one that has had a
// connection.
func (f *infer) mayHaveTaken(w *worker) bool {
	return f.on && f.cfg.CrashIsNoFailure && f.unclear.n < mostUnclear && f.throttle.next == 0 && w.waits != WaitsElsewhere
}

// bookUnclear books such an end.
func (f *infer) bookUnclear(w *worker, good bool) {
	u := &f.unclear
	if u.n == 0 || f.startsWork() {
		u.n, u.after = 0, w.generation
	}
	u.n, u.good, u.last, u.lookAt = u.n+1, good, f.now, far
}

// mayHaveServed books that w has left with 0 a moment after its start, while nobody was seen to
// wait. It reports false when too many have.
func (f *infer) mayHaveServed(w *worker) bool {
	if !f.mayHaveTaken(w) {
		return false
	}
	f.bookUnclear(w, true)
	return !f.startsFail(w)
}

// startsWork reports whether a worker is there that was started later, and has come so far.
func (f *infer) startsWork() bool {
	for w := f.table.youngest; w != nil && w.generation > f.unclear.after; w = w.older {
		if w.accepted || w.waits == WaitsAtSocket {
			return true
		}
	}
	return false
}

// sawStart books that w has come so far that it can accept.
func (f *infer) sawStart(w *worker) {
	if w.generation > f.unclear.after {
		f.doubt.once = f.doubt.once || f.unclear.n > 0 && f.unclear.good
		f.unclear = unclear{lookAt: far}
	}
}

// planLook sees to it that there is a next look while there is somebody to look at.
func (f *infer) planLook() {
	u := &f.unclear
	if u.n == 0 || u.lookAt != far || !f.on || f.draining || f.now-u.last >= badWindow {
		return
	}
	if w := f.table.youngest; w != nil && w.generation > u.after {
		u.lookAt = f.now + min(max(observeSoon, (f.now-u.last)/10), observeLate)
	}
}

// tickLook has the youngest of them looked at.
func (f *infer) tickLook() {
	u := &f.unclear
	if f.now < u.lookAt {
		return
	}
	u.lookAt = far
	n := 0
	for w := f.table.youngest; w != nil && w.generation > u.after && n < maxObserved; w = w.older {
		if !w.retiring {
			f.emit(Action{Kind: Observe, Worker: w.id, Generation: w.generation})
			n++
		}
	}
}
