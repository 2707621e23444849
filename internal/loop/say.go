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
	eventSource       event = "connection_closed"
	eventGossip       event = "report_rejected"
	eventAdopted      event = "adopted"
	eventUpgraded     event = "upgraded"
	eventUpgrade      event = "upgrade_refused"
	eventReload       event = "reloaded"
	eventRefused      event = "reload_refused"
	eventRollOut      event = "roll_out_stopped"
	eventStop         event = "stopping"
	eventBirth        event = "birth"
	eventDeath        event = "death"
	eventInternal     event = "internal"
)

const (
	levelDebug = slog.LevelDebug
	levelInfo  = slog.LevelInfo
	levelWarn  = slog.LevelWarn
	levelError = slog.LevelError
)

// say logs one message of a kind. args are pairs of a field's name and value.
func (l *Loop) say(e event, level slog.Level, text string, args ...any) {
	ctx := context.Background()
	if !l.seams.Log.Enabled(ctx, level) {
		return
	}
	l.seams.Log.With(slog.String("event", string(e))).Log(ctx, level, text, args...)
}
