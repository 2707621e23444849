package logs

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// logger writes to the returned buffer.
func logger(least slog.Level, prefix func(slog.Record) string) (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(&handler{out: &output{w: &b}, least: least, prefix: prefix, flood: newFlood()}), &b
}

func TestJournalPrefix(t *testing.T) {
	for _, c := range []struct {
		level slog.Level
		want  string
	}{
		{slog.LevelDebug, "<7>it is\n"},
		{slog.LevelInfo, "<6>it is\n"},
		{slog.LevelWarn, "<4>it is\n"},
		{slog.LevelError, "<3>it is\n"},
	} {
		log, b := logger(slog.LevelDebug, journalPrefix)
		log.Log(context.Background(), c.level, "it is")
		if b.String() != c.want {
			t.Errorf("%v: %q, want %q", c.level, b, c.want)
		}
	}
}

func TestTerminalPrefix(t *testing.T) {
	log, b := logger(slog.LevelDebug, terminalPrefix)
	log.Warn("it is")
	if !regexp.MustCompile(`^\d\d:\d\d:\d\d availd warn: it is\n$`).MatchString(b.String()) {
		t.Errorf("%q", b)
	}
}

// TestOneLineEach: a message can neither end its line and forge another, nor
// show attributes in a sentence for people.
func TestOneLineEach(t *testing.T) {
	log, b := logger(slog.LevelDebug, journalPrefix)
	log.With(Event, "birth").Info("first\n<0>second", "worker_pid", 7)
	log.With(Event, "birth").Debug("third", "worker_pid", 7)
	if want := "<6>first <0>second\n<7>third worker_pid=7\n"; b.String() != want {
		t.Errorf("%q, want %q", b, want)
	}
}

func TestLevel(t *testing.T) {
	log, b := logger(slog.LevelWarn, journalPrefix)
	log.Info("no")
	log.Warn("yes")
	if b.String() != "<4>yes\n" {
		t.Errorf("%q", b)
	}
}

// TestLevelByName: every word of --log-level is understood, others mean info.
func TestLevelByName(t *testing.T) {
	for name, least := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
		"": slog.LevelInfo,
	} {
		log, ctx := New(name, "text"), context.Background()
		if !log.Enabled(ctx, least) || log.Enabled(ctx, least-1) {
			t.Errorf("%q does not begin at %v", name, least)
		}
	}
}

func TestIsJournal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/journal")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stream string
		want   bool
	}{
		{fmt.Sprintf("%d:%d", st.Dev, st.Ino), true},
		{fmt.Sprintf("%d:%d", st.Dev, st.Ino+1), false},
		{"", false},
		{"garbage", false},
	} {
		if got := isJournal(f, c.stream); got != c.want {
			t.Errorf("isJournal(%q) = %v", c.stream, got)
		}
	}
}

func count(b *bytes.Buffer, text string) int { return strings.Count(b.String(), text) }

// TestFlood: ten in ten seconds, then one line with the number left out, at the
// end of the period and without another message; other kinds are not affected.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, b := logger(slog.LevelInfo, journalPrefix)
		for range 1000 {
			log.With(Event, "worker_failed").Warn("worker failed")
		}
		log.With(Event, "full").Warn("full")
		if n := count(b, "worker failed"); n != floodMost {
			t.Errorf("%d lines passed, want %d", n, floodMost)
		}
		if count(b, "<4>full\n") != 1 {
			t.Error("a message of another kind is held back")
		}
		const told = `<4>990 more messages of the kind "worker_failed" in the last 10 s were left out` + "\n"
		elapse(floodPeriod - time.Nanosecond)
		if count(b, "left out") != 0 {
			t.Error("the number left out is told before the period ends")
		}
		elapse(time.Nanosecond)
		if count(b, told) != 1 {
			t.Errorf("no line with the number left out:\n%s", b)
		}
		log.With(Event, "worker_failed").Warn("worker failed")
		if n := count(b, "worker failed"); n != floodMost+1 {
			t.Errorf("%d lines passed, want one more after the period", n)
		}
		elapse(10 * floodPeriod)
		if count(b, "left out") != 1 {
			t.Errorf("the number left out is told again:\n%s", b)
		}
	})
}

// TestSlowStreamPasses: what stays below the rate is never held back.
func TestSlowStreamPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, b := logger(slog.LevelInfo, journalPrefix)
		for range 60 {
			log.With(Event, "suspect").Info("slow")
			elapse(time.Second)
		}
		if n := count(b, "slow"); n != 60 {
			t.Errorf("%d of 60 lines passed:\n%s", n, b)
		}
	})
}

// elapse lets the time of the bubble go on, and what is due then be done.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
