package loop

import (
	"context"
	"log/slog"
)

// event names a kind of message, for the rate limit and for whoever filters the
// journal. The names are an interface.
type event string

const (
	eventFull         event = "full"
	eventFullEnds     event = "full_ends"
	eventStress       event = "stress_begins"
	eventStressEnds   event = "stress_ends"
	eventThrottle     event = "throttle_begins"
	eventThrottleEnds event = "throttle_ends"
	eventFailed       event = "worker_failed"
	eventHung         event = "worker_hung"
	eventSuspect      event = "suspect"
	eventStuck        event = "socket_ignored"
	eventDenied       event = "quiesce_denied"
	eventSource       event = "connection_closed"
	eventGossip       event = "report_rejected"
	eventAdopted      event = "adopted"
	eventUpgrading    event = "upgrading"
	eventUpgraded     event = "upgraded"
	eventUpgrade      event = "upgrade_refused"
	eventReloading    event = "reloading"
	eventReload       event = "reloaded"
	eventRefused      event = "reload_refused"
	eventRollOut      event = "roll_out_stopped"
	eventStop         event = "stopping"
	eventBirth        event = "birth"
	eventDeath        event = "death"
	eventCeiling      event = "limit_unreachable"
	eventInternal     event = "internal"
)

const (
	levelDebug = slog.LevelDebug
	levelInfo  = slog.LevelInfo
	levelWarn  = slog.LevelWarn
	levelError = slog.LevelError
)

// pool are the numbers that go with every message worth reading. They are found
// out for those only that are written: the depth of the queue is a system call.
type pool struct{ *Loop }

// LogValue is the function of slog.LogValuer.
func (l pool) LogValue() slog.Value {
	c := l.policy.Condition(l.now)
	return slog.GroupValue(slog.Int("busy", c.Busy), slog.Int("idle", c.Idle), slog.Int("limit", c.Limit),
		slog.String("queue", l.queueText()))
}

// say logs one message of a kind. args are pairs of a field's name and value.
func (l *Loop) say(e event, level slog.Level, text string, args ...any) {
	ctx := context.Background()
	if !l.seams.Log.Enabled(ctx, level) {
		return
	}
	if level >= levelInfo {
		args = append(args, "pool", pool{l})
	}
	l.seams.Log.With(slog.String("event", string(e))).Log(ctx, level, text, args...)
}
