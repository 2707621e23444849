package loop

import (
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/policy"
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

// TestWakeUpOfOneShot: a wake-up that comes in a turn of many starts is acted on, as
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
	if w.said(event.Suspect, "worker_pid=101") != 1 {
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
	if len(w.starts) != 1 || w.said(event.SocketUnwatched) != 1 {
		t.Fatalf("%d starts, log %s", len(w.starts), &w.logged)
	}
	s.FD = listener
	w.after(1)
	if len(w.starts) != 2 {
		t.Errorf("%d starts, want 2: %s", len(w.starts), &w.logged)
	}
	w.says(101, report.Idle)
	w.says(102, report.Idle)
	w.turn()
	if w.said(event.SocketUnwatched) != 1 {
		t.Errorf("log %s", &w.logged)
	}
}

// TestUnknownIsNotZero: an empty queue is one of 0, and one that cannot be read is none.
func TestUnknownIsNotZero(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	if q := w.loop.shown.snapshot().Sockets[0].Queue; q == nil || *q != 0 {
		t.Errorf("queue %v, want 0", q)
	}
	w.loop.seams.Depth = func(int) sockdiag.Depth { return sockdiag.Depth{Waiting: -1, Limit: -1} }
	if s := w.loop.shown.snapshot().Sockets[0]; s.Queue != nil || s.Backlog != nil || !strings.Contains(w.loop.line.compose(), "queue ?") {
		t.Errorf("%+v, %s, want nothing known", s, w.loop.line.compose())
	}
}

// TestRejectedReport: what means nothing is counted; what says something is booked.
func TestRejectedReport(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.says(101, report.Nonsense)
	if n := w.loop.tally.Rejected.Reports; n != 1 || w.said(event.ReportRejected, "reason="+event.Nonsense.Name) != 1 {
		t.Errorf("%d reports rejected, log %s", n, &w.logged)
	}
	if !says(&report.Message{Jobs: 0, Done: -1}) || !says(&report.Message{Jobs: -1, Done: 0}) || says(&report.Message{Jobs: -1, Done: -1}) {
		t.Error("that no client is held is something said")
	}
}

// TestReloadComesToNothing: whoever waits for it is told why, and so is STATUS=.
func TestReloadComesToNothing(t *testing.T) {
	w := newWorldAfter(t, daemonRules(5), left(t, 1, true))
	reply := make(chan Outcome, 1)
	w.loop.reloads.begin(reply, "")
	w.die(102, policy.End{Code: 3})
	w.turn()
	if o := <-reply; !isReason(o.Err, event.BadEnd) {
		t.Errorf("outcome %+v", o)
	}
	if got := w.loop.line.compose(); !strings.HasSuffix(got, "| RELOAD FAILED: "+w.loop.facts.reload.Error()) {
		t.Error(got)
	}
}

// TestEndOfStress is told when it comes, without any other event.
func TestEndOfStress(t *testing.T) {
	cfg := daemonRules(2)
	cfg.StressEligible, cfg.StressHold = true, time.Minute
	w := newWorldAfter(t, cfg, left(t, 1, true))
	w.connect()
	w.turn()
	w.accept()
	w.says(102, report.Idle)
	w.die(101, policy.End{}) // it was asked to retire
	w.turn()
	w.after(linePeriod)
	if last := w.lines[len(w.lines)-1]; !strings.Contains(last, "| STRESS until") {
		t.Fatalf("not the scenario that is meant: %q", last)
	}
	if d := w.loop.timeout(); d != time.Minute-linePeriod {
		t.Errorf("the next wake-up is in %v", d)
	}
	w.after(time.Minute - linePeriod)
	if last := w.lines[len(w.lines)-1]; strings.Contains(last, "STRESS") {
		t.Errorf("a minute later: %q", last)
	}
}

// TestQueueOfAFullPool: where long sessions hold all workers nothing changes but the
// queue, and STATUS= says how it grows.
func TestQueueOfAFullPool(t *testing.T) {
	w := newWorld(t, daemonRules(1))
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	w.after(linePeriod)
	n := len(w.lines)
	for range 3 {
		w.connect()
	}
	w.after(lookPeriod)
	if len(w.lines) != n+1 || !strings.Contains(w.lines[n], "| queue 3 |") {
		t.Errorf("%q", w.lines)
	}
	w.after(lookPeriod)
	if len(w.lines) != n+1 {
		t.Errorf("told although nothing has changed: %q", w.lines)
	}
}
