// Package event is the table of availd's messages: of each the name of its event,
// the severity, the text, what it means and what to do. It is data, and how a text is
// filled in. It writes nothing; package logs does.
//
// A message is a value. Whoever has something to say names it and passes its fields,
// with [Log] or, in the loop, by its say:
//
//	event.Log(log, event.SocketDead, event.Socket(name), event.Address(address), event.Cause(err))
//
// The text is a format: {address} stands for the field of that name, and {waiting client}
// for a number of clients. It is filled in last, by the handler of package logs, and only
// for messages that are written. So code and tests know events and fields, and a sentence
// is changed here alone: the DIAGNOSTICS of availd(8) and docs/troubleshooting.md are
// made from this table by go generate.
//
// A text says STATE: CONSEQUENCE; ACTION, in the words of who reads it at night. It names
// an option as limit= (--limit), as it is one thing in a file and on the command line.
package event

import (
	"context"
	"log/slog"
	"strings"
)

// Message is a row of the table.
type Message struct {
	// Event names the kind, for the rate limit, for whoever filters the journal
	// (AVAILD_EVENT=), and for MESSAGE_ID. The names are an interface.
	Event string
	// Reason tells it from others of its event (AVAILD_REASON=). "" = it is the only
	// one, or its cause has a name.
	Reason string
	Level  slog.Level
	Text   string
	// Means is for the manual: what has happened, as far as the text does not say so.
	Means string
	// Do is for the manual and for docs/troubleshooting.md; "" = nothing has to be done.
	Do string
}

const (
	levelDebug = slog.LevelDebug
	levelInfo  = slog.LevelInfo
	levelWarn  = slog.LevelWarn
	levelError = slog.LevelError
)

// Keys of the attributes that a message has besides its fields.
const (
	KeyEvent  = "event"
	KeyReason = "reason"
)

// Log writes a message. Its text reaches the handler as it is in the table, with its
// fields beside it.
func Log(to *slog.Logger, m *Message, fields ...slog.Attr) {
	ctx := context.Background()
	if to.Enabled(ctx, m.Level) {
		to.LogAttrs(ctx, m.Level, m.Text, append(m.names(), fields...)...)
	}
}

func (m *Message) names() []slog.Attr {
	if m.Reason == "" {
		return []slog.Attr{slog.String(KeyEvent, m.Event)}
	}
	return []slog.Attr{slog.String(KeyEvent, m.Event), slog.String(KeyReason, m.Reason)}
}

// Line is a message with its fields, for whoever has it said by another.
type Line struct {
	*Message
	Fields []slog.Attr
}

// With returns the message with its fields.
func (m *Message) With(fields ...slog.Attr) Line { return Line{m, fields} }

// String is the text with the fields filled in.
func (l Line) String() string { return Fill(l.Text, l.Fields) }

// Fill puts fields into a text. {key} is the field of that name, and {key noun} a number
// of such things, in the singular where it is 1. What has no field stays as it is.
func Fill(text string, fields []slog.Attr) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, found := strings.Cut(rest, "}")
		key, noun, counted := strings.Cut(name, " ")
		value, known := find(fields, key)
		switch {
		case !found:
			b.WriteString("{" + rest)
			return b.String()
		case !known:
			b.WriteString("{" + name + "}")
		default:
			b.WriteString(value)
			if counted {
				b.WriteString(" " + noun)
				if value != "1" {
					b.WriteString("s")
				}
			}
		}
		text = after
	}
}

// find returns the value of the first field of a name, also from inside a group.
func find(fields []slog.Attr, key string) (string, bool) {
	for _, f := range fields {
		v := f.Value.Resolve()
		if v.Kind() == slog.KindGroup {
			if text, found := find(v.Group(), key); found {
				return text, true
			}
		} else if f.Key == key {
			return v.String(), true
		}
	}
	return "", false
}
