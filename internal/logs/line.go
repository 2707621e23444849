package logs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/availd/availd/internal/event"
)

// dated writes lines that people read on a terminal.
func dated(w io.Writer) sink {
	return func(e entry) {
		writeLine(w, e.at.Format(time.TimeOnly)+" availd "+strings.ToLower(e.level.String())+": ", e)
	}
}

// prefixed writes lines with the priority of sd-daemon(3).
func prefixed(w io.Writer) sink {
	return func(e entry) { writeLine(w, fmt.Sprintf("<%d>", priority(e.level)), e) }
}

// objects writes messages as JSON, one a line, with what fields they have.
func objects(w io.Writer) sink {
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})
	return func(e entry) {
		r := slog.NewRecord(e.at, e.level, e.message, 0)
		r.AddAttrs(e.attrs...)
		_ = h.Handle(context.Background(), r) // see the package's Diagnostics
	}
}

func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	default:
		return 7
	}
}

func writeLine(w io.Writer, prefix string, e entry) {
	_, _ = io.WriteString(w, prefix+e.text()+"\n") // see the package's Diagnostics
}

// text is what a reader sees. Messages of info and above say in words which worker
// they are about, those of debug by their fields.
func (e entry) text() string {
	if e.level >= slog.LevelInfo {
		return e.message
	}
	var b strings.Builder
	b.WriteString(e.message)
	for _, a := range e.attrs {
		if a.Key != event.KeyEvent && a.Key != event.KeyReason && a.Key != service {
			fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		}
	}
	return b.String()
}
