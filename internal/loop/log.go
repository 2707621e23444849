package loop

import (
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file turns the actions of the policy into messages. effects.go calls log for each
// action that has something to say.

// log says what an action of the policy means to the administrator: what
// happened, what follows, what to change. Starts and good ends are debug.
func (l *Loop) log(a policy.Action) {
	switch a.Kind {
	case policy.WarnLimit:
		if l.policy.Condition(l.now).Stuck { // that was said, and no higher limit helps
			return
		}
		l.load.full.warned = true
		l.say(event.Full, event.Limit(l.cfg.Policy.Limit))
	case policy.WarnStuck:
		l.say(event.SocketIgnored, event.Socket(l.sockets.list[a.Number].Name), event.Most(l.policy.MostInVain()))
	case policy.Throttle:
		l.facts.throttle = l.cause(a)
		if a.Why == policy.Shortage {
			l.say(event.Shortage, event.Cause(l.facts.throttle))
			return
		}
		l.say(event.Throttled, event.Cause(l.facts.throttle), event.Until(l.clockTime(a.Until)), of(a))
	case policy.WarnLeftBehind:
		l.say(event.LeftBehind, event.Workers(a.Number))
	case policy.Unthrottle:
		l.say(event.ThrottleEnds, event.Cause(unthrottled(a.Why)))
	case policy.RollingStopped:
		m := event.ReloadFailed
		if a.Number == 0 {
			m = event.ReloadFailedAll
		}
		l.say(m, event.Cause(l.cause(a)), of(a))
	case policy.RollingWaits:
		l.say(event.ReloadWaits, event.Workers(a.Number))
	case policy.RollingDone:
		if l.cfg.PerConnection {
			l.say(event.ReloadedSessions)
		} else {
			l.say(event.Reloaded, event.Workers(a.Number))
		}
	default:
		l.logWorker(a)
	}
}

// logWorker is about one worker.
func (l *Loop) logWorker(a policy.Action) {
	switch a.Kind {
	case policy.Start:
		l.say(event.Starts, event.Generation(a.Generation), event.Stress(a.Stress))
	case policy.Retire:
		if p := l.procs[a.Worker]; a.Why == policy.Large && p != nil {
			l.say(event.WorkerLarge, of(a), event.Size(p.size))
			return
		}
		l.say(event.Retires, of(a))
	case policy.WarnStopped:
		l.say(event.WorkerStopped, of(a), event.Signal(unix.SignalName(unix.Signal(a.End.Signal))))
	case policy.WarnExitStatus, policy.WarnKilled:
		if a.Why == policy.Crashed {
			l.crashes.tell(a)
			return
		}
		l.say(event.WorkerFailed, of(a), event.End(ending(a.End)))
	case policy.WarnSuspect:
		l.say(event.Suspect, of(a), event.Waiting(a.Number))
	case policy.WarnBackground:
		l.say(event.WorkerInBackground, of(a))
	case policy.WarnTimeout:
		if a.Worker < 0 {
			l.say(unforked(a.Why), event.Generation(a.Generation))
			return
		}
		l.say(overdue(a.Why), of(a), event.Signal(unix.SignalName(unix.Signal(a.Number))))
	}
}

// of are the fields that tell which worker an action is about; none, if it is
// about no worker.
func of(a policy.Action) slog.Attr {
	if a.Worker < 0 { // it is ordered, and not there yet
		return event.Generation(a.Generation)
	}
	return event.Worker(a.Worker, a.Generation)
}

// cause is the reason of a pause or of a failed reload.
func (c *core) cause(a policy.Action) error {
	if a.Worker < 0 && (a.Why == policy.ExecTimedOut || a.Why == policy.StartTimeout) {
		return event.ForkTimedOut.With()
	}
	switch a.Why {
	case policy.StartRefused, policy.Shortage:
		return c.facts.refusal
	case policy.ExecFailed:
		return event.ExecFailed.With()
	case policy.NoAccept:
		return event.NoAccept.With()
	case policy.Background:
		return event.InBackground.With(event.PID(a.Worker))
	case policy.BadEnds:
		return event.BadEnds.With(event.End(ending(a.End)))
	case policy.QuickEnd:
		return event.QuickEnd.With()
	case policy.BadEnd:
		return event.BadEnd.With(event.End(ending(a.End)))
	case policy.ExecTimedOut:
		return event.ExecTimedOut.With()
	case policy.StartTimeout:
		return event.StartTimedOut.With()
	case policy.BusyTimeout:
		return event.BusyTooLong.With()
	case policy.WatchdogSilent:
		return event.WatchdogSilent.With()
	case policy.WatchdogAsked:
		return event.WatchdogAsked.With()
	default:
		return event.EndedAtOnce.With()
	}
}

// unforked is the message about a worker that was ordered from a template, and is not
// there.
func unforked(w policy.Why) *event.Message {
	if w == policy.ExecTimedOut || w == policy.StartTimeout {
		return event.NotForked
	}
	return event.ForkGivenUp
}

// unthrottled is why a pause ends.
func unthrottled(w policy.Why) error {
	switch w {
	case policy.Reload:
		return event.ReadAgain.With()
	case policy.Room:
		return event.HasRoom.With()
	default:
		return event.PauseOver.With()
	}
}

// ending is how a process ended.
func ending(e policy.End) *event.Reason {
	switch {
	case e.Unknown:
		return event.Unknown.With()
	case e.Stopped:
		return event.Stopped.With(event.Signal(unix.SignalName(unix.Signal(e.Signal))))
	case e.Signal != 0:
		return event.Killed.With(event.Signal(unix.SignalName(unix.Signal(e.Signal))))
	default:
		return event.Exited.With(event.Status(e.Code))
	}
}

// overdue is the message about a worker that is ended, by why it is.
func overdue(w policy.Why) *event.Message {
	switch w {
	case policy.ExecTimedOut:
		return event.NotExecuted
	case policy.StartTimeout:
		return event.NotReady
	case policy.BusyTimeout:
		return event.BusyTimeout
	case policy.WatchdogSilent:
		return event.WatchdogMissed
	case policy.WatchdogAsked:
		return event.WatchdogTriggered
	case policy.RetireTimeout:
		return event.RetireTimeout
	case policy.RetireIgnored:
		return event.RetireIgnored
	case policy.StopTimeout:
		return event.StopTimeout
	default:
		return event.KilledAtOnce
	}
}

// saySettings says what has become of the values of availd set, and warns of a limit that
// cannot be reached.
func (c *core) saySettings() {
	for _, lines := range [][]event.Line{c.cfg.Changes, c.cfg.Ceilings} {
		for _, said := range lines {
			c.say(said.Message, said.Fields...)
		}
	}
}
