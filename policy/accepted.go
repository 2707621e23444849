package policy

import "time"

// This file books that connections were accepted where workers do not report. The
// samples (infer.go) and the inspections (evidence.go) call noteAccepted, which proves
// starting workers; the other rules ask patience, served and outlived.

// noteAccepted books that connections were accepted after the moment before, which is the
// earlier one of the two looks that show it. Where nobody else could, the oldest starting
// workers have done so, and when nobody waits any more all of them could have; but for
// those that cannot have come so far. Else an inspection tells who has.
func (f *infer) noteAccepted(accepted, waiting int, before Instant) {
	patience := f.patience()
	f.learnStartup()
	if f.acceptedAt = f.now; f.patience() != patience {
		f.deadlines.replan()
	}
	if before > f.rolling.gone {
		f.newAt = f.now
	}
	f.unclear = unclear{lookAt: far}
	f.reports.heard()
	if w := f.table.oldest; w != nil && f.throttle.cause.Why != BadEnds { // then only a finished request is good news
		f.throttle.recover(w) // starts are good, if all there are were started since the trouble
	}
	if f.table.idle > 0 {
		accepted = 0
	}
	for w := f.table.oldest; w != nil && f.table.starting > 0 && (accepted > 0 || waiting == 0); w = w.younger {
		if f.rolling.on && f.rolling.isNew(w) {
			break // who replaces another is looked at, not guessed about
		}
		if w.state == starting && !w.retiring && f.now-w.started >= f.startup/2 {
			accepted--
			f.reports.prove(w)
		}
	}
}

// learnStartup measures how long a worker takes from its start to its first
// connection, which shows when nobody else was there and one has waited since.
func (f *infer) learnStartup() {
	first := far
	for w := f.table.oldest; w != nil; w = w.younger {
		if w.state != starting || w.retiring || w.adopted {
			return
		}
		first = min(first, w.started)
	}
	if f.since != never && f.since <= first && first != far {
		f.startup = f.now - first
	}
}

// patience is how long a worker counts as still to come.
func (f *infer) patience() time.Duration {
	switch {
	case f.blind && f.startup == 0:
		return f.cfg.ProvenAfter / 2 // nobody will ever tell, and waiting for that costs clients time
	case f.blind:
		return min(max(samples*f.cfg.QueueDelay, f.startup), f.cfg.ProvenAfter)
	case f.acceptedAt == never:
		return badWindow // whether they accept at all is not known yet
	}
	return min(max(f.cfg.ProvenAfter, 2*f.startup), badWindow)
}

// served reports whether any worker has accepted connections since w was started.
func (f *infer) served(w *worker) bool { return f.on && f.acceptedAt > w.started }

// servedByNew reports whether workers of a new revision have, where w is one and no older
// ones are there. That somebody was seen to accept since w was started is not enough: an
// older one may have, and exited, before it was.
func (f *infer) servedByNew(w *worker) bool {
	return f.rolling.alone(w) && f.served(w) && f.newAt > w.started
}

// outlived reports whether w is too old for its end to be a bad start.
func (f *infer) outlived(w *worker) bool { return f.on && f.now-w.started > badWindow }
