// Package logs is availd's log/slog handler. Where standard error is the
// journal, a message goes there with its fields and, for the kinds in
// [event.MessageID], an id that the catalog explains; elsewhere it is a line, with
// the time of day or with the priority prefix of sd-daemon(3), or a JSON object.
//
// It holds back floods: of each kind of message ([event.Message]) ten in
// ten seconds pass, then one line says how many did not. And it never makes its
// callers wait: messages are written by a goroutine, from a bounded queue. When
// journald, a pipe's reader or a terminal does not take them and the queue is
// full, they are lost, and the next one says how many were.
//
// It is not a logger of its own: callers use log/slog, by way of [event.Log]. A message
// comes as the format of package event with its fields as attributes, and is filled in
// here. The attributes are the journal's fields, and are printed in lines with debug
// messages only.
//
// # Diagnostics
//
// A line that standard error does not take is lost in silence: there is nobody
// left to tell.
package logs

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/coreos/go-systemd/v22/journal"
	"golang.org/x/sys/unix"
)

// New returns a logger, and a function that waits a moment for what was logged
// to be written: it is for the end of the process. level is debug, info, warn
// or error. format is journal, text, json or auto, which is journal where standard
// error is the journal (JOURNAL_STREAM of systemd.exec(5)), else text. keep is given
// messages of the level info and above, also those that are not written.
func New(level, format string, keep Keep) (log *slog.Logger, flush func()) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	q := newQueue(sinkFor(format, isJournal(os.Stderr, os.Getenv("JOURNAL_STREAM"))))
	return slog.New(&handler{queue: q, least: least, flood: newFlood(), keep: keep}), q.flush
}

func sinkFor(format string, isJournal bool) sink {
	switch {
	case format == "json":
		return objects(os.Stderr)
	case format == "text" || format == "auto" && !isJournal:
		return dated(os.Stderr)
	case isJournal && journal.Enabled(): // which opens its socket, too
		return journalSink{fallback: prefixed(os.Stderr)}.write
	default: // a pipe to systemd-cat(1), or a root directory without journald's socket
		return prefixed(os.Stderr)
	}
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
