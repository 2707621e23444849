package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
)

// paper is what a logger under test writes on.
type paper struct {
	*slog.Logger
	queue *queue
	mu    sync.Mutex
	text  bytes.Buffer
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

// written is the text so far.
func (p *paper) written() string {
	p.queue.flush()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (p *paper) count(text string) int { return strings.Count(p.written(), text) }

func logger(t *testing.T, least slog.Level, lines func(*paper) sink) *paper {
	p := &paper{}
	p.queue = newQueue(lines(p))
	t.Cleanup(func() { close(p.queue.entries) })
	p.Logger = slog.New(&handler{queue: p.queue, least: least, flood: newFlood()})
	return p
}

func prefixedLines(p *paper) sink { return prefixed(p) }

func TestPrefixed(t *testing.T) {
	for _, c := range []struct {
		level slog.Level
		want  string
	}{
		{slog.LevelDebug, "<7>it is\n"},
		{slog.LevelInfo, "<6>it is\n"},
		{slog.LevelWarn, "<4>it is\n"},
		{slog.LevelError, "<3>it is\n"},
	} {
		p := logger(t, slog.LevelDebug, prefixedLines)
		p.Log(context.Background(), c.level, "it is")
		if got := p.written(); got != c.want {
			t.Errorf("%v: %q, want %q", c.level, got, c.want)
		}
	}
}

func TestDated(t *testing.T) {
	p := logger(t, slog.LevelDebug, func(p *paper) sink { return dated(p) })
	p.Warn("it is")
	if got := p.written(); !regexp.MustCompile(`^\d\d:\d\d:\d\d availd warn: it is\n$`).MatchString(got) {
		t.Errorf("%q", got)
	}
}

// TestOneLineEach: a message can neither end its line and forge another, nor
// show attributes in a sentence for people.
func TestOneLineEach(t *testing.T) {
	p := logger(t, slog.LevelDebug, prefixedLines)
	p.With(service, "web", event.KeyEvent, "birth").Info("first\n<0>second", "worker_pid", 7)
	p.With(service, "web", event.KeyEvent, "birth").Debug("third", "worker_pid", 7)
	if got, want := p.written(), "<6>first <0>second\n<7>third worker_pid=7\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestObjects: a line is a JSON object with the message and its fields, each once.
func TestObjects(t *testing.T) {
	p := logger(t, slog.LevelInfo, func(p *paper) sink { return objects(p) })
	event.Log(p.With(service, "web"), event.WorkerFailed, event.Worker(7, 3), event.End(event.Exited.With(event.Status(3))), event.Limit(2), event.Limit(9))
	var got map[string]any
	if err := json.Unmarshal([]byte(p.written()), &got); err != nil {
		t.Fatalf("%v: %s", err, p.written())
	}
	for key, want := range map[string]any{
		"level": "WARN", "service": "web", "event": "worker_failed", "worker_pid": 7.0, "exit_status": 3.0, "limit": 2.0,
		"msg": event.WorkerFailed.With(event.Worker(7, 3), event.End(event.Exited.With(event.Status(3)))).String(),
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if n := p.count(`"limit"`); n != 1 {
		t.Errorf("a field is there %d times", n)
	}
}

func TestLevel(t *testing.T) {
	p := logger(t, slog.LevelWarn, prefixedLines)
	p.Info("no")
	p.Warn("yes")
	if got := p.written(); got != "<4>yes\n" {
		t.Errorf("%q", got)
	}
}

// TestLevelByName: every word of --log-level is understood, others mean info.
func TestLevelByName(t *testing.T) {
	for name, least := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
		"": slog.LevelInfo,
	} {
		log, flush := New(name, "text", nil)
		ctx := context.Background()
		if !log.Enabled(ctx, least) || log.Enabled(ctx, least-1) {
			t.Errorf("%q does not begin at %v", name, least)
		}
		flush()
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

// TestFlood: ten in ten seconds, then one line with the number left out, at the
// end of the period and without another message; other kinds are not affected.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := logger(t, slog.LevelInfo, prefixedLines)
		for range 1000 {
			p.Warn("worker failed", event.KeyEvent, "worker_failed")
		}
		p.Warn("full", event.KeyEvent, "full")
		if n := p.count("worker failed"); n != floodMost {
			t.Errorf("%d lines passed, want %d", n, floodMost)
		}
		if p.count("<4>full\n") != 1 {
			t.Error("a message of another kind is held back")
		}
		told := "<4>" + event.MessagesLeftOut.With(event.LeftOut(990), event.Kind("worker_failed"), event.Seconds(10)).String() + "\n"
		elapse(floodPeriod - time.Nanosecond)
		if p.count("990") != 0 {
			t.Error("the number left out is told before the period ends")
		}
		elapse(time.Nanosecond)
		if p.count(told) != 1 {
			t.Errorf("no line with the number left out:\n%s", p.written())
		}
		p.Warn("worker failed", event.KeyEvent, "worker_failed")
		if n := p.count("worker failed"); n != floodMost+1 {
			t.Errorf("%d lines passed, want one more after the period", n)
		}
		elapse(10 * floodPeriod)
		if p.count("990") != 1 {
			t.Errorf("the number left out is told again:\n%s", p.written())
		}
	})
}

// TestSlowStreamPasses: what stays below the rate is never held back.
func TestSlowStreamPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := logger(t, slog.LevelInfo, prefixedLines)
		for range 60 {
			p.Info("slow", event.KeyEvent, "suspect")
			elapse(time.Second)
		}
		if n := p.count("slow"); n != 60 {
			t.Errorf("%d of 60 lines passed:\n%s", n, p.written())
		}
	})
}

// elapse lets the time of the bubble go on, and what is due then be done.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// TestKeep: whoever keeps the latest messages gets those of info and above, written or not,
// and no flood.
func TestKeep(t *testing.T) {
	p := logger(t, slog.LevelError, prefixedLines)
	var kept []string
	p.Logger = slog.New(&handler{queue: p.queue, least: slog.LevelError, flood: newFlood(), keep: func(_ time.Time, severity, event, reason, text string) {
		kept = append(kept, severity+" "+event+" "+reason+" "+text)
	}})
	event.Log(p.Logger, event.Starts, event.Generation(1))
	event.Log(p.Logger, event.StressEnds)
	for range 3 * floodMost {
		event.Log(p.Logger, event.BoardLost, event.Cause(errors.New("no\nmemory")))
	}
	event.Log(p.Logger, event.StateLost, event.Cause(errors.New("no")))
	if len(kept) != floodMost+1 || !strings.HasPrefix(kept[0], "info stress_ends  ") || !strings.HasPrefix(kept[1], "warning internal board_lost ") {
		t.Errorf("%d messages are kept: %q", len(kept), kept)
	}
	if p.count("\n") != 0 {
		t.Errorf("what is below the level is written: %q", p.written())
	}
	if strings.Contains(kept[1], "\n") {
		t.Errorf("%q has two lines", kept[1])
	}
}
