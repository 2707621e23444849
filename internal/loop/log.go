package loop

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// log says what an action of the policy means to the administrator: what
// happened, what follows, what to change. Births and good ends are debug.
func (l *Loop) log(a policy.Action) {
	switch a.Kind {
	case policy.WarnLimit:
		l.full.warned = true
		l.say(eventFull, levelWarn, fmt.Sprintf(
			"all %d workers are busy and the limit is %d: new clients wait; raise --limit if the machine has room for more, or make requests shorter",
			l.cfg.Policy.Limit, l.cfg.Policy.Limit))
	case policy.WarnStuck:
		name := l.sockets.list[a.Number].Name
		l.say(eventStuck, levelWarn, fmt.Sprintf(
			"connections wait at socket %s, and none is taken although workers were added: it starts no more of them until one is; see whether the program accepts on it",
			name), "socket", name)
	case policy.Throttle:
		l.facts.throttle = l.cause(a)
		l.say(eventThrottle, levelError, fmt.Sprintf(
			"no new workers until %s: %s; clients wait in the socket's queue; mend the cause, a reload tries again at once",
			l.clockTime(a.Until), l.facts.throttle), of(a)...)
	case policy.Unthrottle:
		l.say(eventThrottleEnds, levelInfo, "workers are started again: "+unthrottled(a.Why))
	case policy.RollOutStopped:
		l.say(eventRollOut, levelError, fmt.Sprintf(
			"the roll-out is stopped: %s; the older workers go on serving; mend the cause and reload again", l.cause(a)), of(a)...)
	case policy.RollOutDone:
		text := fmt.Sprintf("reloaded: all %d older workers were replaced or asked to leave", a.Number)
		if l.cfg.PerConnection {
			text = "reloaded: new connections are served by the new options, running sessions go on"
		}
		l.say(eventReload, levelInfo, text)
	default:
		l.logWorker(a)
	}
}

// logWorker is about one worker.
func (l *Loop) logWorker(a policy.Action) {
	pid := a.Worker
	switch a.Kind {
	case policy.Start:
		l.say(eventBirth, levelDebug, "a worker is started", "generation", a.Generation, "stress", a.Stress)
	case policy.Retire:
		l.say(eventDeath, levelDebug, "a worker is asked to leave", of(a)...)
	case policy.WarnExitStatus, policy.WarnKilled, policy.WarnStopped:
		l.say(eventFailed, levelWarn, fmt.Sprintf("worker %d %s", pid, describeEnd(a.End)), of(a)...)
	case policy.WarnSuspect:
		l.say(eventSuspect, levelWarn, fmt.Sprintf(
			"%d connections wait although worker %d is believed idle: one more worker is started; see whether it hangs, or set --worker-watchdog",
			a.Number, pid), of(a)...)
	case policy.WarnTimeout:
		l.say(eventHung, levelWarn, fmt.Sprintf("worker %d %s: it gets %s%s",
			pid, overdue(a.Why), unix.SignalName(unix.Signal(a.Number)), advice(a.Why)), of(a)...)
	}
}

// of are the fields that tell which worker an action is about; none, if it is
// about no worker.
func of(a policy.Action) []any {
	if a.Worker == 0 {
		return nil
	}
	return []any{"worker_pid", a.Worker, "generation", a.Generation}
}

// cause is the reason of a pause or of a stopped roll-out, for one line.
func (l *Loop) cause(a policy.Action) string {
	switch a.Why {
	case policy.BirthRefused:
		return l.facts.refusal
	case policy.ExecFailed:
		return "the worker's command cannot be executed"
	case policy.BadEnds:
		return "more than ten workers in a second ended badly, the last one " + describeEnd(a.End)
	case policy.QuickEnd:
		return "worker exited with status 0 at once without serving"
	case policy.BadEnd:
		return "worker " + describeEnd(a.End)
	default:
		return "worker " + overdue(a.Why)
	}
}

// unthrottled is why a pause ends.
func unthrottled(w policy.Why) string {
	switch w {
	case policy.Reload:
		return "the configuration was read again"
	case policy.Room:
		return "a worker that ended has made room"
	default:
		return "the pause is over"
	}
}

func describeEnd(e policy.End) string {
	if e.Signal == 0 || e.Unknown {
		return e.String()
	}
	verb := "was killed by"
	if e.Stopped {
		verb = "was stopped by"
	}
	return fmt.Sprintf("%s signal %d (%s)", verb, e.Signal, unix.SignalName(unix.Signal(e.Signal)))
}

func overdue(w policy.Why) string {
	switch w {
	case policy.StartTimeout:
		return "did not get ready within --start-timeout"
	case policy.BusyTimeout:
		return "was busy for longer than --busy-timeout"
	case policy.WatchdogSilent:
		return "sent no WATCHDOG=1 within --worker-watchdog"
	case policy.WatchdogAsked:
		return "asked for its end by WATCHDOG=trigger"
	case policy.RetireTimeout:
		return "was asked to leave and is still busy after --retire-timeout"
	case policy.RetireIgnored:
		return "was asked to leave, is idle, and did not"
	case policy.StopTimeout:
		return "is still there after --stop-timeout"
	default:
		return "has to end at once"
	}
}

func advice(w policy.Why) string {
	switch w {
	case policy.RetireIgnored:
		return "; let it exit on the retire signal, choose another --retire-signal, or set NonBlocking=yes in the service if it waits in accept"
	case policy.StopTimeout:
		return "; a longer --stop-timeout lets it finish"
	default:
		return ""
	}
}

// sayCeilings warns of a limit that cannot be reached.
func (l *Loop) sayCeilings() {
	for _, c := range l.cfg.Ceilings {
		l.say(eventCeiling, levelWarn, "the limit cannot be reached: "+c)
	}
}

// wall is the wall-clock time of a moment. It is worked out for display only,
// so that a step of the wall clock changes nothing else.
func (l *Loop) wall(at policy.Instant) time.Time { return l.seams.Wall().Add(at - l.seams.Now()) }

func (l *Loop) clockTime(at policy.Instant) string { return l.wall(at).Format(time.TimeOnly) }
