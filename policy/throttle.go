package policy

import "time"

// This file pauses the start of workers after a startup failure (R6). badStart,
// StartFailed and the stop of the original begin a pause; Tick, a reload, and the exit
// of a worker after a shortage end it.

// throttle is the pause of worker creation (R6).
type throttle struct {
	*core
	listening *listening
	starts    *starts
	stress    *stress

	on         bool
	due        Instant
	next       time.Duration // the coming pause, when pauses grow
	generation uint64        // the last one started before the pause
	cause      Action
	shortage   bool // one of a shortage, of which shortage tells
	quick      int  // clean exits at once, in a row; see exit.go
}

// begin starts the pause; no-op if on. The delay in force now is used.
func (t *throttle) begin(cause Action) {
	if t.on {
		return
	}
	t.on, t.due, t.generation = true, t.now+t.pause(), t.core.generation
	t.starts.forget()
	t.stress.endRestart() // who is asked to retire now would not be replaced
	t.counters.Throttles++
	cause.Kind, cause.Until = Throttle, t.due
	t.cause = cause
	t.emit(cause)
	t.listening.reevaluate()
}

// pause is how long this pause lasts, and makes the next one twice as long.
func (t *throttle) pause() time.Duration {
	if t.cfg.ThrottleMax <= t.cfg.ThrottleDelay {
		return t.cfg.ThrottleDelay
	}
	d := min(max(t.next, t.cfg.ThrottleDelay), t.cfg.ThrottleMax)
	t.next = 2 * d
	return d
}

// wait is a pause of another kind, for a shortage, which tells of it itself.
func (t *throttle) wait(d time.Duration) { t.on, t.shortage, t.due = true, true, t.now+d }

// end ends the pause; no-op if off.
func (t *throttle) end(why Why) {
	if !t.on {
		return
	}
	if !t.shortage {
		t.emit(Action{Kind: Unthrottle, Why: why})
	}
	t.on, t.due, t.shortage = false, far, false
	t.listening.reevaluate()
}

// recover makes pauses short again. Only a job finished by a worker started since
// the trouble shows that starts are good again; an old one proves nothing.
func (t *throttle) recover(w *worker) {
	t.quick = 0
	if w.generation > t.generation {
		t.next = 0
	}
}

// resume goes on where an earlier process was interrupted.
func (t *throttle) resume(m Memory) {
	t.on, t.due, t.next, t.generation, t.cause = m.Throttled, m.ThrottleDue, m.NextPause, m.ThrottleGeneration, m.Cause
}
