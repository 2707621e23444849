package loop

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// count is how many times a histogram has seen.
func count(h *state.Histogram) (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

func TestTimes(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.after(200 * time.Millisecond)
	w.report(report.Message{PID: 101, Ready: true, Jobs: -1, Done: -1})
	w.turn()
	w.accept()
	for range 2 { // redundant reports change nothing
		w.says(101, report.Busy)
		w.after(30 * time.Millisecond)
	}
	w.says(101, report.Idle)
	w.says(101, report.Idle)
	m := w.loop.shown.snapshot().Measures
	if n := count(m.Starts); n != 1 || m.Starts.Sum != 200*time.Millisecond {
		t.Errorf("%d starts that took %v, want one of 200 ms", n, m.Starts.Sum)
	}
	if n := count(m.Requests); n != 1 || m.Requests.Sum != 60*time.Millisecond {
		t.Errorf("%d requests that took %v, want one of 60 ms", n, m.Requests.Sum)
	}
	report := policy.Report{Worker: 101, HasAvailable: true, Held: -1, Finished: -1}
	if n := testing.AllocsPerRun(100, func() {
		report.Available = policy.Idle - report.Available
		w.loop.measure(w.loop.procs[101], report, w.now)
	}); n != 0 {
		t.Errorf("%v allocations for a report", n)
	}
}

// TestTimeFromJobToJob: a worker that counts its jobs need not be idle between
// them, and one that was busy with nothing had no job.
func TestTimeFromJobToJob(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	says := func(a report.Availability, done int) {
		w.report(report.Message{PID: 101, Avail: a, Jobs: -1, Done: done})
		w.turn()
	}
	says(report.Busy, -1)
	w.after(20 * time.Millisecond)
	says(report.Busy, 1)
	w.after(30 * time.Millisecond)
	says(report.Idle, 1)
	says(report.Busy, -1)
	w.after(40 * time.Millisecond)
	says(report.Idle, 0)
	s := w.loop.shown.snapshot()
	if h := s.Measures.Requests; count(h) != 2 || h.Sum != 50*time.Millisecond || *s.Counters.Requests != 2 {
		t.Errorf("%d of %d requests that took %v, want two of 50 ms", count(h), *s.Counters.Requests, h.Sum)
	}
}

// TestTimeOfSeveral: how long a worker could take no more is no request's time.
func TestTimeOfSeveral(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	w.report(report.Message{PID: 101, Avail: report.Busy, Jobs: 2, Done: -1})
	w.report(report.Message{PID: 101, Avail: report.Idle, Jobs: 1, Done: 1})
	w.turn()
	s := w.loop.shown.snapshot()
	if s.Measures.Starts != nil {
		t.Errorf("a worker whose first word was of a job has a start of %v", s.Measures.Starts.Sum)
	}
	if s.Measures.Requests != nil || *s.Counters.Requests != 1 {
		t.Errorf("times %v of %d requests, want none of one", s.Measures.Requests, *s.Counters.Requests)
	}
}

// TestReasons: each end has one, and each reason is an end.
func TestReasons(t *testing.T) {
	cfg := daemonRules(9)
	cfg.BusyTimeout = time.Second
	w := newWorld(t, cfg)
	worker := func() int {
		w.connect()
		w.turn()
		w.accept()
		pid := 100 + len(w.starts)
		w.says(pid, report.Busy)
		w.says(pid, report.Idle)
		w.says(pid, report.Busy)
		return pid
	}
	end := func(pid int, e policy.End) {
		w.die(pid, e)
		w.turn()
	}
	end(worker(), policy.End{})
	end(worker(), policy.End{Code: 3})
	end(worker(), policy.End{Signal: 11})
	end(worker(), policy.End{Unknown: true})
	hung := worker()
	w.after(2 * time.Second)
	end(hung, policy.End{Signal: int(unix.SIGABRT)})
	asked := worker()
	w.loop.obey(unix.SIGTERM)
	end(asked, policy.End{Signal: int(unix.SIGTERM)})
	want := [status.ExitReasons]uint64{
		status.ExitClean: 2, status.ExitFailed: 1, status.ExitSignal: 1, status.ExitKilled: 1, status.ExitUnknown: 1,
	}
	s := w.loop.shown.snapshot()
	if f := s.LastFailure; f == nil || f.Signal == nil || *f.Signal != int(unix.SIGABRT) {
		t.Errorf("the last failure is %+v, not the hung one's", f)
	}
	if s.Measures.Exits != want || s.Counters.Exited != 6 {
		t.Errorf("exits %v of %d, want %v; signals %q", s.Measures.Exits, s.Counters.Exited, want, w.signals)
	}
}

// TestTallyIsKept: what was counted before goes on.
func TestTallyIsKept(t *testing.T) {
	r := left(t, 1, true)
	r.Tally.Exits[status.ExitSignal] = 7
	r.Tally.Requests.Observe(time.Second)
	r.Tally.Demand.Note(time.Minute, 57)
	w := newWorldAfter(t, daemonRules(5), r)
	var kept Tally
	w.loop.seams.Keep.Remember = func(_ policy.Memory, tally Tally) { kept = tally }
	w.says(101, report.Idle) // busy since a moment that nobody knows
	w.die(101, policy.End{})
	w.turn()
	want := r.Tally
	want.Exits[status.ExitClean]++
	want.Demand.Note(w.now, 0)
	if kept != want {
		t.Errorf("kept is %+v, want %+v", kept, want)
	}
	if d := w.loop.shown.snapshot().Demand; d.Peak != 57 {
		t.Errorf("the demand began anew: %+v", d)
	}
}

// TestTimeOfSessions: a session lasts as long as its process, however that ends;
// one that could not be executed was none, and nothing is known of starts.
func TestTimeOfSessions(t *testing.T) {
	d := newDoor(t, 3)
	d.come(2)
	d.turn()
	d.after(4 * time.Second)
	d.die(101, policy.End{Signal: 9})
	d.die(102, policy.End{Code: 203})
	d.turn()
	m := d.loop.shown.snapshot().Measures
	if m.Requests == nil || count(m.Requests) != 1 || m.Requests.Sum != 4*time.Second || m.Starts != nil {
		t.Errorf("%+v, want one session of 4 s", m)
	}
}

// TestStartOnTheBoard: a worker may say with its bit alone that it can accept.
func TestStartOnTheBoard(t *testing.T) {
	w := newBoardWorld(t, daemonRules(4))
	w.connect()
	w.turn()
	w.after(50 * time.Millisecond)
	w.join(101)
	w.accept()
	if m := w.loop.shown.snapshot().Measures; m.Starts == nil || count(m.Starts) != 1 || m.Starts.Sum != 50*time.Millisecond || m.Requests != nil {
		t.Errorf("%+v, want one start of 50 ms", m)
	}
}
