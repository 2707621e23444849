package logs

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/prose"
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

// Keep takes a message for whoever asks for the latest. severity is info, warning or error.
// It may be called from any goroutine, and must not wait.
type Keep func(at time.Time, severity, event, reason, text string)

// handler makes entries of records.
type handler struct {
	queue *queue
	least slog.Level
	flood *flood
	keep  Keep // nil = nobody asks
	attrs []slog.Attr
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.least || h.isKept(l) }

func (h *handler) isKept(l slog.Level) bool { return h.keep != nil && l >= slog.LevelInfo }

// put writes what is worth it.
func (h *handler) put(e entry) {
	if e.level >= h.least {
		h.queue.put(e)
	}
}

// WithGroup is not used by availd; a group has no name in a field.
func (h *handler) WithGroup(string) slog.Handler { return h }

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(append([]slog.Attr{}, h.attrs...), attrs...)
	return &c
}

// Handle looks at the values of a message, and fills its text in, only when it is to be
// written: values that cost something to find out are of package slog's LogValuer.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	e := entry{at: r.Time, level: r.Level, attrs: flat(nil, h.attrs)}
	if !h.flood.pass(kindOf(r), e, h.put) {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		e.attrs = flat(e.attrs, []slog.Attr{a})
		return true
	})
	e.message = oneLine(event.Fill(r.Message, e.attrs))
	if h.isKept(e.level) {
		h.keep(e.at, severityOf(e.level), e.field(event.KeyEvent), e.field(event.KeyReason), e.message)
	}
	h.put(e)
	return nil
}

func severityOf(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warning"
	default:
		return "info"
	}
}

// kindOf is the event of a message.
func kindOf(r slog.Record) (kind string) {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == event.KeyEvent {
			kind = a.Value.String()
		}
		return kind == ""
	})
	return kind
}

func oneLine(text string) string { return prose.Printable(strings.ReplaceAll(text, "\n", " ")) }

// flat appends attributes with their values found out, and those of groups in
// the group's place. The first of a name counts: what a message says of itself comes
// before what its cause adds, and that before the numbers of the pool.
func flat(list, attrs []slog.Attr) []slog.Attr {
	for _, a := range attrs {
		a.Value = a.Value.Resolve()
		switch {
		case a.Value.Kind() == slog.KindGroup:
			list = flat(list, a.Value.Group())
		case !slices.ContainsFunc(list, func(b slog.Attr) bool { return b.Key == a.Key }):
			list = append(list, a)
		}
	}
	return list
}
