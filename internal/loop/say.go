package loop

import (
	"context"
	"log/slog"

	"github.com/availd/availd/internal/event"
)

// This file writes messages. Everything in the loop that logs calls say.

// pool are the numbers that go with every message worth reading. They are found
// out for those only that are written: the depth of the queue is a system call.
type pool struct{ *core }

// LogValue is the function of slog.LogValuer.
func (p pool) LogValue() slog.Value {
	c := p.condition()
	return slog.GroupValue(slog.Int("busy", c.Busy), slog.Int("idle", c.Idle), event.Limit(c.Limit),
		slog.String("queue", p.sockets.text()))
}

// say logs a message.
func (c *core) say(m *event.Message, fields ...slog.Attr) {
	if !c.seams.Log.Enabled(context.Background(), m.Level) {
		return
	}
	if m.Level >= slog.LevelInfo {
		fields = append(fields, slog.Any("pool", pool{c}))
	}
	event.Log(c.seams.Log, m, fields...)
}
