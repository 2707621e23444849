package loop

import (
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// checked is what monitoring is told.
func (w *world) checked() (status.Severity, string) {
	w.t.Helper()
	return status.Check([]status.Service{w.loop.shown.snapshot()}, nil, 0)
}

// TestUnserved: a worker that takes nothing is shown within five seconds, in the status
// text and the journal as well, and no longer once it does.
func TestUnserved(t *testing.T) {
	w := newWorld(t, daemonRules(2))
	w.connect()
	w.turn()
	w.says(101, report.None) // READY=1
	w.turn()
	for range 4 {
		w.after(time.Second)
	}
	w.after(time.Second)
	s := w.loop.shown.snapshot()
	if s.UnservedSince == nil {
		t.Fatalf("nobody accepts, and it is not shown: %+v", s)
	}
	if severity, text := w.checked(); severity == status.OK || !strings.Contains(text, "1 waiting") {
		t.Errorf("%v: %s", severity, text)
	}
	if line := w.lines[len(w.lines)-1]; !strings.Contains(line, " | WAITING since ") {
		t.Errorf("told %q", line)
	}
	if n := w.said(event.NoneAccepted); n != 1 {
		t.Errorf("said %d times in %s", n, &w.logged)
	}
	w.accept()
	w.turn()
	if s := w.loop.shown.snapshot(); s.UnservedSince != nil {
		t.Error("it is shown although nobody waits")
	}
	if w.loop.load.unserved.due != 0 {
		t.Error("it is looked for although nobody waits")
	}
}

// TestServedSlowly: where workers take one after the other nobody is told, however
// many wait, and a full pool is full and nothing else.
func TestServedSlowly(t *testing.T) {
	w := newWorld(t, daemonRules(2))
	for range 12 {
		w.connect()
	}
	w.turn()
	w.says(101, report.Idle)
	w.says(102, report.Idle)
	for range 10 {
		w.accept()
		w.says(101, report.Busy)
		w.after(time.Second)
		w.says(101, report.Idle)
		w.turn()
		if s := w.loop.shown.snapshot(); s.UnservedSince != nil {
			t.Fatal("clients are served, and shown as if they were not")
		}
	}
}

// TestFullIsOver: a pool whose workers are idle is not shown as full, and the moment
// since which it is full is the same in all answers.
func TestFullIsOver(t *testing.T) {
	w := newWorld(t, daemonRules(1))
	w.connect()
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	w.turn()
	first := w.loop.shown.snapshot().FullSince
	w.wall = w.wall.Add(time.Microsecond) // the two clocks are not read at once
	if second := w.loop.shown.snapshot().FullSince; first == nil || second == nil || !first.Equal(*second) {
		t.Errorf("full since %v, then since %v", first, second)
	}
	w.says(101, report.Idle)
	w.turn()
	if w.loop.shown.snapshot().FullSince == nil {
		t.Error("it is not full for the moment between two requests")
	}
	w.accept()
	w.says(101, report.Busy)
	w.says(101, report.Idle)
	w.turn()
	if s := w.loop.shown.snapshot(); s.FullSince != nil {
		t.Error("all are idle and nobody waits, and it is full")
	}
}

// TestUnknownCounts: of workers that do not report nobody knows which are busy, unless
// clients wait.
func TestUnknownCounts(t *testing.T) {
	cfg := daemonRules(2)
	cfg.QueueDelay = 20 * time.Millisecond
	w := newWorld(t, cfg)
	if s := w.loop.shown.snapshot(); s.Busy != 0 || s.Idle != 0 {
		t.Errorf("without workers %v are busy and %v idle", s.Busy, s.Idle)
	}
	w.connect()
	w.turn()
	w.accept()
	for range 20 {
		w.after(5 * time.Millisecond)
	}
	s := w.loop.shown.snapshot()
	if s.Busy != status.UnknownCount || s.Idle != status.UnknownCount || s.Unknown() != s.Total-s.Starting {
		t.Errorf("%v busy, %v idle of %d", s.Busy, s.Idle, s.Total)
	}
	if line := w.loop.line.compose(); !strings.HasPrefix(line, "? busy, ? idle, 1 unknown, limit 2") {
		t.Errorf("told %q", line)
	}
}

// TestFullInVain: a pool at its limit of workers that do not report, none of which accepts, is
// not told to get a higher limit: clients wait, and nobody accepts. Once somebody does it is
// full as ever.
func TestFullInVain(t *testing.T) {
	cfg := queueRules(4)
	w := newWorld(t, cfg)
	w.finds.Evidence.Sockets = []policy.Acceptance{policy.NobodyAccepts}
	for range 6 {
		w.connect()
	}
	w.sampled(12 * time.Second)
	if c := w.condition(); c.Total != 4 {
		t.Fatalf("%+v", c)
	}
	if n, full := w.said(event.SocketIgnored), w.said(event.Full); n != 1 || full != 0 {
		t.Errorf("that nobody accepts was said %d times, and that the pool is full %d times", n, full)
	}
	if severity, text := w.checked(); severity != status.Critical || !strings.Contains(text, "none accepted since") {
		t.Errorf("%v: %s", severity, text)
	}
	w.finds.Evidence.Sockets[0] = policy.SomebodyAccepts
	w.accept()
	w.sampled(5 * time.Second)
	if severity, text := w.checked(); severity != status.Critical || !strings.Contains(text, "full since") {
		t.Errorf("somebody accepts, %v: %s", severity, text)
	}
}
