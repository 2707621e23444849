package logs

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/availd/availd/internal/columns"
)

// entry is a message on its way out.
type entry struct {
	at      time.Time
	level   slog.Level
	message string // one line
	attrs   []slog.Attr
}

// field returns the text of an attribute.
func (e entry) field(key string) string {
	for _, a := range e.attrs {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// handler makes entries of records.
type handler struct {
	queue *queue
	least slog.Level
	flood *flood
	attrs []slog.Attr
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.least }

// WithGroup is not used by availd; a group has no name in a field.
func (h *handler) WithGroup(string) slog.Handler { return h }

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(append([]slog.Attr{}, h.attrs...), attrs...)
	return &c
}

// Handle looks at the values of a message only when it is to be written: those
// that cost something to find out are of package slog's LogValuer.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	e := entry{at: r.Time, level: r.Level, message: columns.Printable(strings.ReplaceAll(r.Message, "\n", " ")), attrs: flat(nil, h.attrs)}
	if !h.flood.pass(e, h.queue.put) {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		e.attrs = flat(e.attrs, []slog.Attr{a})
		return true
	})
	h.queue.put(e)
	return nil
}

// flat appends attributes with their values found out, and those of groups in
// the group's place.
func flat(list, attrs []slog.Attr) []slog.Attr {
	for _, a := range attrs {
		a.Value = a.Value.Resolve()
		if a.Value.Kind() == slog.KindGroup {
			list = flat(list, a.Value.Group())
			continue
		}
		list = append(list, a)
	}
	return list
}
