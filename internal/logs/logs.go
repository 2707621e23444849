// Package logs is availd's log/slog handler: lines on standard error, with the
// priority prefix of sd-daemon(3) where the journal reads them and the time of
// day on a terminal. It holds back floods: of each kind of message (the
// attribute [Event]) ten in ten seconds pass, then one line says how many did
// not.
//
// It is not a logger of its own: callers use log/slog. Messages are whole
// sentences; the other attributes are printed with debug messages only.
//
// # Diagnostics
//
// A line that standard error does not take is lost in silence: there is nobody
// left to tell.
package logs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Event is the attribute that names the kind of a message.
const Event = "event"

// New returns a logger to standard error. level is debug, info, warn or error;
// format is journal, text or auto, which asks whether standard error is the
// journal (JOURNAL_STREAM of systemd.exec(5)).
func New(level, format string) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	prefix := terminalPrefix
	if format == "journal" || format == "auto" && isJournal(os.Stderr, os.Getenv("JOURNAL_STREAM")) {
		prefix = journalPrefix
	}
	return slog.New(&handler{out: &output{w: os.Stderr}, least: least, prefix: prefix, flood: newFlood()})
}

// isJournal compares the device and inode numbers in JOURNAL_STREAM with those
// of f.
func isJournal(f *os.File, stream string) bool {
	var st unix.Stat_t
	if stream == "" || unix.Fstat(int(f.Fd()), &st) != nil {
		return false
	}
	return stream == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

func journalPrefix(r slog.Record) string {
	priority := 7
	switch {
	case r.Level >= slog.LevelError:
		priority = 3
	case r.Level >= slog.LevelWarn:
		priority = 4
	case r.Level >= slog.LevelInfo:
		priority = 6
	}
	return fmt.Sprintf("<%d>", priority)
}

func terminalPrefix(r slog.Record) string {
	word := strings.ToLower(r.Level.String())
	return r.Time.Format(time.TimeOnly) + " availd " + word + ": "
}

// handler writes one line a record.
type handler struct {
	out    *output
	least  slog.Level
	prefix func(slog.Record) string
	flood  *flood
	attrs  []slog.Attr
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.least }

// WithGroup is not used by availd; a group does not change a line.
func (h *handler) WithGroup(string) slog.Handler { return h }

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(append([]slog.Attr{}, h.attrs...), attrs...)
	return &c
}

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	if h.flood.pass(h.event(), r, h.write) {
		h.write(r)
	}
	return nil
}

func (h *handler) event() string {
	for _, a := range h.attrs {
		if a.Key == Event {
			return a.Value.String()
		}
	}
	return ""
}

func (h *handler) write(r slog.Record) {
	var b strings.Builder
	b.WriteString(h.prefix(r))
	b.WriteString(strings.ReplaceAll(r.Message, "\n", " "))
	if r.Level < slog.LevelInfo {
		r.Attrs(func(a slog.Attr) bool {
			fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
			return true
		})
	}
	b.WriteByte('\n')
	h.out.line(b.String())
}

type output struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *output) line(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = io.WriteString(o.w, text)
}
