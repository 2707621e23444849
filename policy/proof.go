package policy

import "time"

// This file tests a new revision. The rolling restart (rolling.go) calls test and
// judgeTest at the end of every event while one is under way; observe.go supplies what was
// seen of the new workers.

// proof is what is known of a new revision: of what a reload has started. A
// revision that cannot serve must cost nobody anything, so one worker of it is
// tested first. It is proven, where workers report, by READY=1 and a finished
// request, or one second more; where they do not, by a connection that it was seen
// to hold and to have finished, or by an age at which an older worker had long
// accepted, while nobody comes.
//
// Age proves nothing of a worker that does not wait at its sockets, nor of one that
// takes nothing while clients wait. So the caller is asked to look at the workers in
// question ([Observe]), in another thread and at growing intervals: an answer may be
// late or never come, and then age alone counts.
//
// A revision that has failed is not trusted; see distrust.go.
type proof struct {
	have      bool    // a worker of the revision is proven
	served    bool    // … and a client was served by one
	kept      int     // ready replacements whose older worker stays for now
	grace     Instant // until then the last older worker stays
	observeAt Instant // at the workers in question; far = at none
	below     uint64  // the next look goes on below this generation; 0 = from the youngest on
	seen      bool    // a look has answered
	empty     Instant // when nobody was waiting at the sockets; never = not yet
	judge     bool    // something has happened that may prove a worker

	distrusted bool
	resumes    Instant // when the next worker may be started; far = at any time
	pause      time.Duration
}

// Times of the proof.
const (
	// readyLong is how long a worker that reports and is asked for nothing lives
	// after READY=1 to be proven.
	readyLong = time.Second
	// livedLeast and livedTimes are the age at which one that does not report is:
	// at least the former, and the latter times what an older worker needed from
	// its start to its first accept.
	livedLeast, livedTimes = 2 * time.Second, 5
	// proofLimit is when a worker that is not proven never will be: one that is
	// ready, or old enough to be, and takes no connection.
	proofLimit = 10 * time.Second
	// slowLimit is the least of that of one that does not report, where nobody knows how
	// long a start takes, or that was seen to compute: --start-timeout may be longer.
	slowLimit = 30 * time.Second
	// graceLong is how long the last older worker stays for a client that shows
	// whether the new revision serves. A pool in which the older worker is always
	// the first to accept may never show it.
	graceLong = 3 * time.Second
	// observeSoon is the time to the first look at a worker; each is a tenth of what
	// has passed later, up to observeLate.
	observeSoon, observeLate = 5 * time.Millisecond, 50 * time.Millisecond
	// maxObserved bounds how many workers are looked at in one turn.
	maxObserved = 32
	// distrustLong is the first pause of a revision whose failure has cost a client
	// its request.
	distrustLong = time.Minute
)

func noProof() proof { return proof{grace: never, observeAt: far, empty: never, resumes: far} }

// rest ends the looking.
func (p *proof) rest() { p.observeAt, p.kept = far, 0 }

// testing: the first worker of a new revision is being tested.
func (r *rolling) testing() bool { return r.on && !r.proof.have }

// isNew reports whether w runs the revision that is being rolled out, or was.
func (r *rolling) isNew(w *worker) bool { return w.generation > r.last }

// test starts the worker that is tested. At the limit an older one makes room,
// never the last one, unless it is alone; sessions that last may do so for a second
// and third, but for no more than a batch.
func (r *rolling) test() {
	switch {
	case r.newOnes() > 0:
	case r.belowLimit():
		r.starts.request(Replacement)
		r.listening.settle()
	case r.table.old == 0 || r.due != far || r.table.retiring >= r.batch:
	case r.table.old > 1 || r.cfg.Limit == 1:
		r.retireBatch(1)
	}
}

// judgeTest looks through the new workers for one that is proven, or that will not
// be any more.
func (r *rolling) judgeTest() {
	if !r.proof.judge || r.proof.served || !r.on && !r.proof.distrusted {
		return
	}
	r.proof.judge = false
	for w := r.table.youngest; w != nil && r.isNew(w); w = w.older {
		if w.retiring {
			continue
		}
		switch lived, served := r.isProof(w); {
		case lived || served:
			if r.prevail(served); served {
				return
			}
		case r.now >= r.proofEnds(w):
			r.failTest(w, Action{Why: NoAccept, Worker: w.id, Generation: w.generation})
			r.retirement.retire(w, Reload)
			r.listening.settle()
			return
		}
	}
}

// isProof reports whether w has served, or has lived long enough. Who takes nothing
// while somebody waits all the time does not accept, and who waits elsewhere cannot, nor
// one that has computed at each look: an older worker is faster to take what comes, so
// that the sockets are empty whatever the new one does.
func (r *rolling) isProof(w *worker) (lived, served bool) {
	p := &r.proof
	switch {
	case w.finished > 0 || w.served:
		return true, true
	case r.now < r.livedAt(w):
		return false, false
	case w.taken || w.accepted || !p.seen:
		return true, false
	default:
		return !w.takesNothing() && p.empty >= max(w.started, w.ready), false
	}
}

// livedAt is when the age of w proves it; far = it is not ready.
func (r *rolling) livedAt(w *worker) Instant {
	switch {
	case r.infer.on:
		return w.started + max(livedLeast, livedTimes*r.infer.startup)
	case w.state == starting:
		return far
	default:
		return w.ready + readyLong
	}
}

// proofEnds is when w is given up; far = there are other limits.
func (r *rolling) proofEnds(w *worker) Instant {
	switch {
	case r.proof.have:
		return far // it lives, and another has shown that it may
	case !r.infer.on && w.state == starting:
		return far // until --start-timeout
	case !r.infer.on:
		return w.ready + proofLimit
	case r.infer.startup == 0, w.waits == WaitsNowhere: // it may compute what older ones need not
		return w.started + max(slowLimit, r.cfg.StartTimeout, 2*livedTimes*r.infer.startup)
	default:
		return w.started + max(proofLimit, 2*livedTimes*r.infer.startup)
	}
}

// prevail books that the new revision works: after a reload the older workers are
// replaced from now on, and after a failed one workers are started as ever.
func (r *rolling) prevail(served bool) {
	p := &r.proof
	first := !p.have
	p.have, p.served = true, p.served || served
	if p.distrusted {
		p.distrusted, p.served, p.resumes, p.pause = false, true, far, 0
		r.failed = false
	}
	if first {
		r.deadlines.replan()
	}
	if first && r.on {
		p.grace = r.now + graceLong
		if !served && r.table.busy == 0 && r.heardAt <= r.now-quiet {
			p.grace = never // who comes next is not there yet
			r.retireIdle()
		}
		r.replace()
	}
	r.listening.settle()
}

// lastStays: nobody was served by a new worker yet, and without the last older one
// nobody may be any more.
func (r *rolling) lastStays() bool {
	p := &r.proof
	return p.have && !p.served && r.table.old == 1 && r.now < p.grace
}
