package policy

// This file decides whether the sockets are watched, and whether the pool is full. Each
// event that changes the table calls reevaluate where R1 wants it, or else settle, after
// the change and before the event ends.

// listening is the wish whether the sockets are watched, with what depends on the same
// moments: the limit warning, and since when the pool is full.
type listening struct {
	*core
	throttle *throttle
	short    *shortage
	guard    *guard
	infer    *infer
	shrink   *shrink
	rolling  *rolling

	watching    Watch
	lastWarning Instant
	fullSince   Instant // never = not full
}

// reevaluate is R1. It runs exactly where FORMAT.md says "re-evaluate": the
// limit warning must not come more often than that.
func (l *listening) reevaluate() {
	if l.mayWarn() && l.isFull() && l.lastWarning < l.now-WarnInterval {
		l.lastWarning = l.now
		l.emit(Action{Kind: WarnLimit})
	}
	l.settle()
}

func (l *listening) mayWarn() bool { return l.cfg.StressEligible || l.cfg.WarnAlways }

// isFull: everybody is taken, and no more workers are allowed. A slot whose
// worker is retiring is not taken.
func (l *listening) isFull() bool {
	return !l.throttle.on && !l.draining && l.available() == 0 && !l.belowLimit() &&
		l.table.ending == 0
}

// available is how many workers can accept, or will be able to.
func (l *listening) available() int {
	if l.infer.busy {
		return l.unproven()
	}
	return l.table.available() + l.pending.n()
}

// settle makes the wish true. It alone changes what is watched. Events that
// FORMAT.md does not know (a worker is retired, a timer of an extension) end
// here instead of in reevaluate, so that they cannot warn.
func (l *listening) settle() {
	l.noteFull()
	l.shrink.note()
	if w := l.wish(); w != l.watching {
		l.watching = w
		l.emit(Action{Kind: Listen, Watch: w})
	}
}

// wish decides listening.
func (l *listening) wish() Watch {
	switch {
	case l.throttle.on || l.draining:
		l.infer.restart()
		return l.guard.off()
	case l.short.owed > 0: // those come first
		return l.guard.off()
	case l.infer.on:
		return l.infer.wish()
	case l.available() == 0 && l.rolling.mayGrow():
		l.guard.off()
		return WatchOn
	case l.available() == 0 || !l.rolling.mayGrow() || l.places() >= l.cfg.maxStarting():
		return l.guard.off()
	case l.table.idle == 0: // only proven idle workers stop the listening
		l.guard.off()
		return WatchNew
	default:
		return l.guard.wish()
	}
}

// noteFull keeps the moment since when the pool is full, which a warning that
// comes once in 1000 s cannot tell.
func (l *listening) noteFull() {
	switch full := l.isFull(); {
	case full && l.fullSince == never:
		l.fullSince = l.now
		l.counters.LimitReached++
	case !full:
		l.fullSince = never
	}
}
