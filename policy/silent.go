package policy

import "time"

// This file judges the bad ends of workers that do not report (crash.go does so for
// those that do, and calls crashed for these). What such a worker did is not known: it may have crashed at the request
// of a client, or at its start while others accepted. Three things tell:
//
//   - Nobody has accepted since it was started, nor in the last ten seconds: it has not
//     either, and failed to start.
//   - It was seen to hold a connection: it had started well.
//   - Nothing is known: what is started after it tells (unclear.go).
//   - Else it is given the benefit of the doubt, as a pause stops everybody. Such ends are
//     looked into, with the inspections of evidence.go. When more than burstSize of them
//     go on for crashPeriod, and no worker that was started meanwhile is known to have
//     accepted although enough was seen to tell (saidNothing), starts fail.
//
// Whether everything crashes is asked in the same way: a worker that was seen with a
// connection, lives on, and has it no more, has finished a request.

const (
	// stormLeast is how long bad ends go on until the lack of evidence means something.
	// Looks are bounded in what they cost, so on a busy machine short requests are seldom
	// seen: after 2 s some pools were paused that served 700 requests a second.
	stormLeast = crashPeriod
	// stormSeen is how many connections must have been seen in that time: that none of few was
	// seen to be finished means nothing either, as a short request is seldom seen at all, and the
	// worker may be gone at the next look. After stormLong it is taken for what it seems.
	stormSeen, stormLong = 20, 3 * crashPeriod
	// doubtGap ends a series of bad ends.
	doubtGap = 2 * time.Second
	// lookPause is the least time between two inspections because of bad ends.
	lookPause = 5 * time.Millisecond
	// heldLong: a connection that is held for so long, while others crash, is a request
	// that is being served.
	heldLong = time.Second
)

// storm is what is known of a series of bad ends where nobody reports.
type storm struct {
	fast  period  // since then there are more than burstSize a second; never = there are not
	slow  period  // since then clients have waited at each, and none was seen to be served; never = not so
	slowN int     // how many there were since
	since period  // of the series of ends in doubt
	last  Instant // … the latest of them
	n     int     // … how many there are
	after uint64  // workers with a later generation were started during the series

	seen     int     // connections that workers were seen to hold, ever
	looks    int     // inspections that have read the lists of connections, ever
	nextLook Instant // no inspection because of bad ends before that
}

// period is a time for which evidence has been looked for.
type period struct {
	began Instant
	seen  int // how many connections had been seen
	looks int // … in so many looks
}

func (f *infer) beginPeriod() period { return period{f.now, f.storm.seen, f.storm.looks} }

// saidNothing: that there was no evidence in p means something.
func (f *infer) saidNothing(p period) bool {
	return f.now-p.began >= stormLeast && f.storm.seen-p.seen >= stormSeen || f.lookedLong(p)
}

// lookedLong: it was long looked for in p, and not once or twice, as where lists are so long that
// they may be read seldom.
func (f *infer) lookedLong(p period) bool {
	return f.now-p.began >= stormLong && f.storm.looks-p.looks >= burstSize
}

// mayHaveAccepted reports whether w, which does not report, may have come so far. Among
// several clients that wait it cannot be seen whether one was accepted and another came:
// then a few ends are needed to tell.
func (f *infer) mayHaveAccepted(w *worker) bool {
	return f.isKnownToAccept(w) || f.waiting() > 1 && f.storm.n < burstSize
}

func (f *infer) isKnownToAccept(w *worker) bool {
	return w.accepted || f.outlived(w) || f.somebodyAccepted(w)
}

// somebodyAccepted reports whether any worker is known to accept connections.
func (f *infer) somebodyAccepted(w *worker) bool {
	taken := f.acceptedAt
	return taken != never && taken >= min(w.started, f.now-crashPeriod)
}

// waiting is how many connections waited at the latest sample.
func (f *infer) waiting() (n int) {
	for i := range f.queues {
		if q := &f.queues[i]; !q.ignored {
			n += q.depth
		}
	}
	return n
}

// crashed books the bad end of a worker of which no more is known than that.
func (f *infer) crashed(w *worker, e End) {
	cause := Action{Why: BadEnds, Worker: w.id, End: e, Generation: w.generation}
	if !f.isKnownToAccept(w) {
		f.bookUnclear(w, false)
	}
	if !w.accepted && !f.outlived(w) && f.startsFail(w) {
		cause.Why = BadEnd
		f.exits.badStart(w, cause)
		return
	}
	if f.everythingCrashes() {
		f.exits.crashes = burst{}
		f.exits.badStart(w, cause)
	}
}

// startsFail books an end in doubt, and reports whether there were too many of them.
func (f *infer) startsFail(w *worker) bool {
	d := &f.storm
	if d.n == 0 || f.now-d.last > doubtGap {
		d.n, d.since, d.after = 0, f.beginPeriod(), w.generation
	}
	d.n, d.last = d.n+1, f.now
	if f.table.oldest.generation > d.after && f.acceptedAt > f.table.oldest.started {
		d.n = 0 // nobody else is there who could have accepted
	}
	f.lookIntoCrashes()
	return d.n > burstSize && f.saidNothing(d.since) && !f.blind
}

// everythingCrashes books a bad end, and reports whether they have come too fast for
// long without a request that was finished. How fast they can come depends on how long a start
// takes. So they need not be many where clients wait at each of them: those who are served
// would be seen then, as workers are at requests all the time.
func (f *infer) everythingCrashes() bool {
	d := &f.storm
	again := f.throttle.cause.Why == BadEnds && f.throttle.next > 0 // nothing was finished since the last pause
	if f.waiting() == 0 || d.slow.began != never && f.lastDone >= d.slow.began {
		d.slow.began, d.slowN = never, 0
	} else if d.slow.began == never {
		d.slow = f.beginPeriod()
	}
	if d.slowN++; d.slowN > burstSize && d.slow.began != never && (again || f.lookedLong(d.slow)) && !f.blind {
		d.slow.began, d.slowN = never, 0
		return true
	}
	switch {
	case !f.exits.crashes.add(f.now):
		d.fast.began = never
		f.lookIntoCrashes()
		return false
	case d.fast.began == never:
		d.fast = f.beginPeriod()
	}
	if f.lastDone >= f.now-crashPeriod/2 {
		return false
	}
	f.lookIntoCrashes()
	return f.lastDone < f.now-crashPeriod && !f.blind && (again || f.saidNothing(d.fast))
}

// lookIntoCrashes asks for an inspection, which comes a moment later.
func (f *infer) lookIntoCrashes() {
	if f.inspecting || f.now < f.storm.nextLook {
		return
	}
	f.storm.nextLook = f.now + lookPause
	f.look(BadEnds)
}

// sawHolder books that a worker was seen with a connection.
func (f *infer) sawHolder(w *worker) {
	w.accepted = true
	f.sawStart(w)
	if w.generation > f.storm.after {
		f.storm.n = 0 // those that are started now do accept
	}
}

// sawWorkers books what became of connections that workers held at an earlier
// inspection.
func (f *infer) sawWorkers(e Evidence) {
	for _, id := range e.Seen {
		w := f.table.byID[id]
		if w == nil {
			continue
		}
		has := uint32(0)
		for _, h := range e.Holders {
			if h.Worker == id {
				has = h.Connection
			}
		}
		if had := w.connection; had != 0 && (has != had || f.now-w.holding >= heldLong) {
			f.lastDone = f.now
			f.throttle.recover(w)
		}
		if has != w.connection {
			if has != 0 {
				f.storm.seen++
			}
			w.connection, w.holding = has, f.now
		}
	}
}

// replaceCrashed starts a worker at once for one that has crashed, if clients wait: as
// many as before can serve, and they need not wait until it has been found out that all
// are busy.
func (f *infer) replaceCrashed() {
	if !f.on || !f.cfg.CrashIsNoFailure || f.throttle.on || f.draining || f.rolling.on {
		return
	}
	if f.starts.wanted <= 0 && f.startsFor(f.waiting()) > 0 {
		f.starts.wanted = 1
		f.starts.grow()
	}
}
