package loop

import (
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/report"
)

// TestReportBeforeDeadline: who has said in time that it is done, or alive, is not
// late because the loop was.
func TestReportBeforeDeadline(t *testing.T) {
	cfg := daemonRules(5)
	cfg.BusyTimeout, cfg.Watchdog = time.Minute, time.Minute
	w := newWorld(t, cfg)
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	w.now += time.Minute
	w.report(report.Message{PID: 101, Avail: report.Idle, Watchdog: true, Jobs: -1, Done: -1})
	w.turn()
	if c := w.condition(); c.Idle != 1 || len(w.signals) != 0 {
		t.Errorf("%+v, signals %q", c, w.signals)
	}
}

// TestWakeUpOfOneShot: a wake-up that comes in a turn of many births is acted on, as
// there is no other.
func TestWakeUpOfOneShot(t *testing.T) {
	cfg := daemonRules(0)
	cfg.MaxStarting, cfg.MinSpare = 60, 60
	w := newWorld(t, cfg)
	w.report(report.Message{PID: 101, Ready: true, Jobs: -1, Done: -1}) // so the guard is on
	if err := w.loop.turn(); err != nil {
		t.Fatal(err)
	}
	w.connect()
	if err := w.loop.turn(); err != nil {
		t.Fatal(err)
	}
	w.turn()
	w.after(time.Second)
	if !strings.Contains(w.logged.String(), "worker 101 is believed idle") {
		t.Errorf("nobody looks at the connection that waits: %+v, log %s", w.condition(), &w.logged)
	}
}

// TestSocketThatCannotBeWatched: it is tried again, as clients wait there and nothing
// else may ever happen.
func TestSocketThatCannotBeWatched(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	s := &w.loop.sockets.list[0]
	listener := s.FD
	s.FD = -1
	w.says(101, report.Busy)
	w.connect()
	w.after(watchAgain - 1)
	if len(w.births) != 1 || strings.Count(w.logged.String(), "cannot be watched") != 1 {
		t.Fatalf("%d births, log %s", len(w.births), &w.logged)
	}
	s.FD = listener
	w.after(1)
	if len(w.births) != 2 {
		t.Errorf("%d births, want 2: %s", len(w.births), &w.logged)
	}
	w.says(101, report.Idle)
	w.says(102, report.Idle)
	w.turn()
	if strings.Count(w.logged.String(), "cannot be watched") != 1 {
		t.Errorf("log %s", &w.logged)
	}
}

// TestUnknownIsNotZero: an empty queue is one of 0, and one that cannot be read is none.
func TestUnknownIsNotZero(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	if q := w.loop.snapshot().Sockets[0].Queue; q == nil || *q != 0 {
		t.Errorf("queue %v, want 0", q)
	}
	w.loop.seams.Depth = func(int) Depth { return Depth{Waiting: -1, Limit: -1} }
	if s := w.loop.snapshot().Sockets[0]; s.Queue != nil || s.Backlog != nil {
		t.Errorf("%+v, want nothing known", s)
	}
}
