package policy

import (
	"fmt"
	"strings"
)

var verdictNames = [...]string{"", "unknown", "stale", "redundant", "nonsense"}

var watchNames = [...]string{"off", "on", "new", "once"}

var whyNames = [...]string{
	Demand: "", Spare: "spare", Replacement: "replacement", Stall: "stall", Stress: "stress",
	Reload: "reload", Stop: "stop", Surplus: "surplus", Above: "above", UsedUp: "used-up", TooOld: "too-old",
	BadEnd: "bad-end", QuickEnd: "quick-end", StartRefused: "refused",
	StartTimeout: "start-timeout", BusyTimeout: "busy-timeout", WatchdogSilent: "silent",
	WatchdogAsked: "asked", RetireTimeout: "retire-timeout", RetireIgnored: "ignored",
	StopTimeout: "stop-timeout", ExecFailed: "exec", BadEnds: "bad-ends", PauseOver: "", Room: "room", Shortage: "short", ExecTimedOut: "exec-timeout", Crashed: "crashed", NoAccept: "no-accept", Background: "background", Large: "large",
}

// reason is the Why with something before it, nothing for demand.
func reason(before string, w Why) string {
	if w == Demand {
		return ""
	}
	return before + whyNames[w]
}

// words is an action the way the rows of a scenario write it.
func (x *scenario) words(a Action) string {
	why := whyNames[a.Why]
	switch a.Kind {
	case Listen:
		return "watch " + watchNames[a.Watch]
	case RestartWorkers:
		return "restart " + why
	case StatusClosed:
		return "closed"
	case Throttle:
		return fmt.Sprintf("throttle %v %s", a.Until-x.now, why)
	case Unthrottle:
		return strings.TrimSpace("unthrottle " + why)
	case Retire:
		return fmt.Sprintf("retire %d %s", a.Worker, why)
	case Signal:
		return fmt.Sprintf("signal %d %d", a.Worker, a.Number)
	case ExitIdle:
		return "exit idle"
	case CloseOwed:
		return fmt.Sprintf("close %d", a.Number)
	case Drained:
		return "drained"
	case RollingDone:
		return fmt.Sprintf("rolled out %d", a.Number)
	case RollingWaits:
		return fmt.Sprintf("rolling restart waits for %d", a.Number)
	case RollingStopped:
		return "rolling restart stopped " + why
	case Observe:
		return fmt.Sprintf("look %d", a.Worker)
	default:
		return x.warning(a)
	}
}

func (x *scenario) warning(a Action) string {
	switch a.Kind {
	case WarnLimit:
		return "full"
	case WarnBadStart:
		return fmt.Sprintf("bad start %d", a.Worker)
	case WarnExitStatus:
		return fmt.Sprintf("exited %d %d", a.Worker, a.End.Code) + reason(" ", a.Why)
	case WarnKilled:
		return fmt.Sprintf("killed %d %d", a.Worker, a.End.Signal) + reason(" ", a.Why)
	case WarnStopped:
		return fmt.Sprintf("stopped %d %d", a.Worker, a.End.Signal)
	case WarnUnknownStatus:
		return fmt.Sprintf("status %d %d", a.Worker, a.Number)
	case WarnSuspect:
		return fmt.Sprintf("suspect %d", a.Worker)
	case WarnStuck:
		return fmt.Sprintf("stuck %d", a.Number)
	case WarnLeftBehind:
		return fmt.Sprintf("left behind %d", a.Number)
	case WarnBackground:
		return fmt.Sprintf("background %d", a.Worker)
	case WarnTimeout:
		return fmt.Sprintf("overdue %d %s", a.Worker, whyNames[a.Why])
	case WarnSlow:
		return fmt.Sprintf("slow %d since %v", a.Worker, a.Until)
	case InfoStale:
		return fmt.Sprintf("stale generation of %d", a.Worker)
	case PanicUnknownChild:
		return fmt.Sprintf("unknown child %d", a.Worker)
	}
	x.t.Fatalf("action without words: %+v", a)
	return ""
}
