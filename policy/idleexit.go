package policy

// This file has a service exit that has been idle for ExitIdleTime. Every event plans it
// at its end (plan), and Tick emits the action when it is due (tick).

// idleExit is when availd exits by itself: a service that has had no workers and nothing to
// do for a while need not run, its socket will start it again.
type idleExit struct {
	*core
	throttle *throttle
	short    *shortage
	rolling  *rolling

	due Instant
}

// plan follows it at the end of every event.
func (d *idleExit) plan() {
	isIdle := d.cfg.ExitIdleTime > 0 && d.total()+d.short.owed == 0 && !d.throttle.on && !d.draining && !d.rolling.on
	switch {
	case !isIdle:
		d.due = far
	case d.due == far:
		d.due = d.now + d.cfg.ExitIdleTime
	}
}

// tick asks the caller to exit if no connection waits. If one does, a new
// period begins.
func (d *idleExit) tick() {
	if d.now >= d.due {
		d.due = far
		d.emit(Action{Kind: ExitIdle})
	}
}
