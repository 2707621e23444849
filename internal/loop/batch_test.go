package loop

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// TestBatch: for how long reports may be left unread.
func TestBatch(t *testing.T) {
	pool := func(total, idle int) policy.Condition { return policy.Condition{Limit: 100, Total: total, Idle: idle} }
	for _, test := range []struct {
		name  string
		c     policy.Condition
		rate  float64
		queue int
		spare int
		heard bool
		want  time.Duration
	}{
		{"enough are idle", pool(20, 10), 1000, 512, 0, false, mostBelow},
		{"nobody reports", pool(20, 10), 0, 512, 0, false, 0},
		{"too few are idle", pool(20, 2), 1000, 512, 0, false, 0},
		{"the spares do not count", pool(20, 10), 1000, 512, 8, false, 0},
		{"all idle would be taken by then", pool(20, 4), 2000, 512, 0, false, 2 * time.Millisecond},
		{"not worth a timer", pool(20, 10), 100, 512, 0, false, 0},
		{"the limit is reached", pool(100, 0), 1000, 512, 0, false, mostFull},
		{"the queue is short", pool(100, 0), 1000, 10, 0, false, 5 * time.Millisecond},
		{"the queue is short, and reports are many", pool(100, 0), 100_000, 10, 0, false, 0},
		{"no limit", policy.Condition{Total: 20, Idle: 10}, 1000, 512, 0, false, mostBelow},
		{"the kernel says when nobody is idle", pool(20, 1), 1000, 512, 0, true, mostHeard},
		{"it is no use when all are busy", pool(20, 0), 1000, 512, 0, true, 0},
		{"it says nothing of spares", pool(20, 10), 1000, 512, 8, true, 0},
		{"it does not empty the queue", pool(20, 1), 8000, 512, 0, true, 32 * time.Millisecond},
		{"a short queue is filled soon by a burst", pool(20, 1), 500, 10, 0, true, mostBelow},
		{"four reports are worth it", pool(20, 1), 16, 512, 0, true, mostHeard},
		{"three are not", pool(20, 1), 15, 512, 0, true, 0},
		{"a worker starts", policy.Condition{Limit: 100, Total: 20, Idle: 10, Starting: 1}, 1000, 512, 0, false, 0},
		{"a rolling restart", policy.Condition{Limit: 100, Total: 100, RollingOut: true}, 1000, 512, 0, false, 0},
		{"a drain", policy.Condition{Limit: 100, Total: 100, Draining: true}, 1000, 512, 0, false, 0},
		{"nobody reports yet", policy.Condition{Limit: 100, Total: 100, Inferred: true}, 1000, 512, 0, false, 0},
	} {
		l := reports{core: &core{cfg: Config{ReportQueue: test.queue}}}
		l.cfg.Policy.MinSpare = test.spare
		l.sockets.core = l.core
		l.batches.rate, l.sockets.untaken.broken = test.rate, !test.heard
		if got := l.batch(test.c); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// full is a pool of n workers at its limit that has reported often for a while.
func full(t *testing.T, n int) *world {
	t.Helper()
	cfg := daemonRules(n)
	w := newWorld(t, cfg)
	for i := range n {
		w.connect()
		w.turn()
		w.accept()
		w.says(101+i, report.Busy)
	}
	for range 30 {
		w.now += 2 * time.Millisecond
		w.says(101, report.Idle)
		w.says(101, report.Busy)
	}
	w.loop.cfg.ReportQueue = 512
	for _, a := range []report.Availability{report.Idle, report.Busy} {
		w.report(report.Message{PID: 101, Avail: a, Jobs: -1, Done: -1})
		w.after(mostFull)
	}
	return w
}

// TestReportsAreGathered: at the limit reports do not wake the loop, are read at the end
// of the time at the latest, and before anything else is decided.
func TestReportsAreGathered(t *testing.T) {
	w := full(t, 2)
	if w.loop.reports.batches.until == 0 {
		t.Fatalf("the report socket is watched at %v reports a second", w.loop.reports.batches.rate)
	}
	before := w.condition().Counters.Requests
	w.report(report.Message{PID: 101, Avail: report.Idle, Jobs: -1, Done: -1})
	w.report(report.Message{PID: 101, Avail: report.Busy, Jobs: -1, Done: -1})
	if w.ready() {
		t.Fatal("a report wakes the loop")
	}
	w.after(mostFull)
	if got := w.condition().Counters.Requests; got != before+1 {
		t.Errorf("%d requests, want %d: the reports are not read in time", got, before+1)
	}
	w.report(report.Message{PID: 101, Avail: report.Idle, Jobs: -1, Done: -1})
	w.die(102, policy.End{})
	w.turn()
	if c := w.condition(); c.Counters.Requests != before+2 || c.Total != 1 || !w.loop.sockets.untaken.watched {
		t.Errorf("an end is acted on before the reports: %+v, %v", c, w.loop.reports.batches)
	}
	w.after(rateLongest)
	if d := w.loop.timeout(); w.loop.reports.batches.until != 0 || d >= 0 && d < time.Millisecond {
		t.Errorf("nobody reports, and the loop wakes in %v: %+v", d, w.loop.reports.batches)
	}
}

// TestGatheredTimes: what is measured is when reports were sent, not when they were read.
func TestGatheredTimes(t *testing.T) {
	w := full(t, 2)
	before := w.loop.tally.Requests.Sum
	w.now, w.wall = w.now+10*time.Millisecond, w.wall.Add(10*time.Millisecond)
	for i, a := range []report.Availability{report.Idle, report.Busy, report.Idle} {
		sent := w.wall.Add(time.Duration(4*i-9) * time.Millisecond) // 9, 5 and 1 ms ago
		w.queue = append(w.queue, report.Message{PID: 101, Avail: a, Jobs: -1, Done: -1, Sent: sent.UnixNano()})
	}
	w.report(report.Message{PID: 102, Avail: report.Busy, Jobs: -1, Done: -1, Sent: w.wall.Add(time.Hour).UnixNano()})
	w.after(mostFull)
	if got, want := w.loop.tally.Requests.Sum-before, (1+4)*time.Millisecond; got != want {
		t.Errorf("two requests of 1 and 4 ms took %v in all", got)
	}
}
