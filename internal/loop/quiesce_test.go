package loop

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// quiet is a service of n workers that do not report, and are quiesced.
func quiet(t *testing.T, n int) *world {
	t.Helper()
	w := newWorldAfter(t, queueRules(20), left(t, n, true), alwaysQuiesce)
	w.held = map[int]quiesce.State{}
	w.turn()
	return w
}

func alwaysQuiesce(s *Settings) { s.Quiesce, s.RetireSignal = true, 0 }

// heard are the signals that a worker was sent since the last call.
func (w *world) heard(pid string) (names []string) {
	var rest []string
	for _, s := range w.signals {
		if words := strings.Fields(s); words[0] == pid {
			names = append(names, strings.TrimPrefix(words[1], "SIG"))
		} else {
			rest = append(rest, s)
		}
	}
	w.signals = rest
	return names
}

func (w *world) expectSignals(pid string, want ...string) {
	w.t.Helper()
	if got := w.heard(pid); !slices.Equal(got, want) {
		w.t.Errorf("worker %s heard %v, want %v", pid, got, want)
	}
}

// TestQuiesce: one that holds nothing is killed, others are not disturbed, and are
// looked at again, later each time.
func TestQuiesce(t *testing.T) {
	w := quiet(t, 2)
	w.held[101], w.held[102] = quiesce.Free, quiesce.Holding
	w.after(2 * time.Second) // nobody has been here for a second: all are to leave
	w.loop.Signal(unix.SIGHUP)
	w.turn()
	w.expectSignals("101", "STOP", "KILL")
	w.expectSignals("102")
	w.die(101, policy.End{Signal: 9})
	w.turn()
	if c := w.condition(); c.Total != 1 || w.loop.facts.failure != nil || strings.Contains(w.logged.String(), "SIGKILL") {
		t.Errorf("its end is a failure: %+v, log %s", c, &w.logged)
	}
	for _, wait := range []time.Duration{firstWait, 2 * firstWait, 4 * firstWait} {
		before := w.looks
		w.after(wait - 1)
		if w.looks != before {
			t.Errorf("looked at again before %v", wait)
		}
		w.after(1)
		if w.looks != before+1 {
			t.Errorf("not looked at again after %v", wait)
		}
	}
	for range 8 {
		w.after(longWait)
	}
	w.after(longWait - 1)
	w.expectSignals("102")
	w.held[102] = quiesce.Free
	w.after(1)
	w.expectSignals("102", "STOP", "KILL")
	w.after(time.Hour)
	w.expectSignals("102")
}

// TestQuiesceSlowStop: one that takes its time to stop stays stopped while it is
// waited for, but not for ever.
func TestQuiesceSlowStop(t *testing.T) {
	w := quiet(t, 1)
	w.held[101], w.stoppedHeld[101] = quiesce.Free, quiesce.Running
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.after(lookAgain)
	w.after(lookAgain)
	w.expectSignals("101", "STOP")
	w.after(lookLong)
	w.expectSignals("101", "CONT")
	delete(w.stoppedHeld, 101)
	w.after(drainWait)
	w.expectSignals("101", "STOP", "KILL")
}

// TestQuiesceAccepts: a worker that accepts a connection between the look and its stop
// goes on.
func TestQuiesceAccepts(t *testing.T) {
	w := quiet(t, 1)
	w.held[101], w.stoppedHeld[101] = quiesce.Free, quiesce.Holding
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.expectSignals("101", "STOP", "CONT")
	delete(w.stoppedHeld, 101)
	w.after(drainWait)
	w.expectSignals("101", "STOP", "KILL")
}

// TestQuiesceLateAnswer: a worker does not stay stopped while an answer is waited for,
// which counts for nothing then.
func TestQuiesceLateAnswer(t *testing.T) {
	w := quiet(t, 1)
	w.held[101] = quiesce.Free
	var late func([]quiesce.State)
	look := w.loop.seams.Look
	w.loop.seams.Look = func(questions []quiesce.Question, found func([]quiesce.State)) {
		if questions[0].Stopped && late == nil {
			late = found
			return
		}
		look(questions, found)
	}
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.expectSignals("101", "STOP")
	w.after(lookLong)
	w.expectSignals("101", "CONT")
	w.after(time.Second)
	w.expectSignals("101")
	late([]quiesce.State{quiesce.Free})
	w.turn()
	w.expectSignals("101", "CONT", "STOP", "KILL") // by a new look
}

// TestQuiesceDrain: at a stop workers are looked at often, and not all at once.
func TestQuiesceDrain(t *testing.T) {
	w := quiet(t, 20)
	for pid := 101; pid <= 120; pid++ {
		w.held[pid] = quiesce.Holding
	}
	w.loop.Signal(unix.SIGTERM)
	if err := w.loop.turn(); err != nil {
		t.Fatal(err)
	}
	if w.looks != maxLooks {
		t.Errorf("%d looks in one turn, want %d", w.looks, maxLooks)
	}
	w.turn()
	before := w.looks
	for range 10 {
		w.after(drainWait)
	}
	if n := w.looks - before; n != 200 {
		t.Errorf("%d looks at 20 workers in 20 ms, want 200", n)
	}
	for range 2 * drainLooks {
		w.after(drainWait)
	}
	before = w.looks
	w.after(drainLong)
	if n := w.looks - before; n != 20 {
		t.Errorf("%d looks at 20 workers in the end, want 20", n)
	}
}

// TestQuiesceTakesTurns: looks that take long come to everybody nevertheless.
func TestQuiesceTakesTurns(t *testing.T) {
	w := quiet(t, 2*maxLooks)
	look := w.loop.seams.Look
	w.loop.seams.Look = func(questions []quiesce.Question, found func([]quiesce.State)) {
		w.now += 2 * drainWait
		look(questions, found)
	}
	for i := range maxLooks {
		w.held[101+i], w.held[101+maxLooks+i] = quiesce.Holding, quiesce.Free
	}
	w.loop.Signal(unix.SIGTERM)
	for range 3 {
		if err := w.loop.turn(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxLooks {
		w.expectSignals(strconv.Itoa(101+maxLooks+i), "STOP", "KILL")
	}
}

// TestQuiesceDenied: without the right to look, or where that is no use, SIGTERM
// has to do, and one warning.
func TestQuiesceDenied(t *testing.T) {
	w := quiet(t, 3)
	w.held[101], w.held[102] = quiesce.Denied, quiesce.Denied
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	for range (deniedLong - drainLong) / drainLong { // a moment without clients may come
		w.after(drainLong)
		w.expectSignals("101")
	}
	for range 3 {
		w.after(drainLong)
	}
	w.expectSignals("101", "TERM")
	w.expectSignals("102", "TERM")
	w.after(time.Second)
	w.expectSignals("101")
	if n := w.said(event.QuiesceDenied, "reason="+event.MayNotLook.Name); n != 1 {
		t.Errorf("%d warnings, want one: %s", n, &w.logged)
	}
	w.die(101, policy.End{Signal: int(unix.SIGTERM)})
	w.die(102, policy.End{Signal: int(unix.SIGSEGV)})
	w.turn()
	if w.said(event.WorkerFailed, "worker_pid=101") != 0 || w.said(event.WorkerFailed, "worker_pid=102") != 1 ||
		w.loop.tally.Exits[status.ExitClean] != 1 || w.loop.tally.Exits[status.ExitSignal] != 1 {
		t.Errorf("SIGTERM is what it was sent: %s, %v", &w.logged, w.loop.tally.Exits)
	}
	x := quiet(t, 1)
	x.held[101] = quiesce.Shares
	x.loop.Signal(unix.SIGTERM)
	x.turn()
	x.after(drainWait)
	x.held[101] = quiesce.Holding // the child has executed another program
	x.after(drainWait)
	x.held[101] = quiesce.Shares
	for range sharedLong / drainWait {
		x.after(drainWait)
		x.expectSignals("101")
	}
	x.after(drainWait)
	x.expectSignals("101", "TERM")
	if x.said(event.QuiesceDenied, "reason="+event.HasChildren.Name) != 1 {
		t.Errorf("log: %s", &x.logged)
	}
	x = quiet(t, 1)
	x.held[101], x.deny = quiesce.Free, true
	x.loop.Signal(unix.SIGTERM)
	x.turn()
	x.expectSignals("101", "TERM")
}

// TestQuiesceOverUpgrade: nobody stays stopped, and what was begun goes on.
func TestQuiesceOverUpgrade(t *testing.T) {
	w := quiet(t, 1)
	w.held[101], w.stoppedHeld[101] = quiesce.Free, quiesce.Running
	w.after(2 * time.Second)
	w.loop.Signal(unix.SIGHUP)
	w.turn()
	w.expectSignals("101", "STOP")
	_ = w.asks()
	w.trials[0](nil)
	w.turn()
	if got := w.heard("101"); len(got) == 0 || got[0] != "CONT" || w.handed == nil {
		t.Errorf("heard %v before the exec", got)
	}
	r := maybeStopped(left(t, 2, false))
	r.Workers[0].Entry.Retiring, r.Workers[0].Entry.Told = true, true
	w = newWorldAfter(t, queueRules(20), r, alwaysQuiesce)
	w.held = map[int]quiesce.State{101: quiesce.Free, 102: quiesce.Free}
	w.turn()
	w.expectSignals("101", "CONT", "STOP", "KILL")
	w.expectSignals("102", "CONT")
}

// TestQuiesceGoesOn: with auto, one that was being ended between two connections
// does not know that it is to leave. That others have begun to report meanwhile does
// not tell it.
func TestQuiesceGoesOn(t *testing.T) {
	r := maybeStopped(left(t, 3, false))
	r.Memory.Reported = true
	for i := range 2 {
		e := &r.Workers[i].Entry
		e.Retiring, e.Told = true, true
	}
	mute := &r.Workers[0].Entry
	mute.Taken, mute.Finished, mute.Held, mute.State = false, 0, 1, policy.IdleState
	r.Workers[1].Entry.Held = 1
	w := newWorldAfter(t, queueRules(20), r, func(s *Settings) { s.Quiesce, s.RetireSignal = true, unix.SIGTERM })
	w.held = map[int]quiesce.State{101: quiesce.Free}
	w.turn()
	w.expectSignals("101", "CONT", "STOP", "KILL")
	w.expectSignals("102", "CONT") // it has heard the signal, and finishes
	w.expectSignals("103", "CONT")
	w.held[102] = quiesce.Busy
	w.after(hearWait)
	w.expectSignals("102")
	w.die(102, policy.End{Signal: int(unix.SIGTERM)})
	w.turn()
	if f := w.loop.facts.failure; f != nil {
		t.Errorf("its end by the signal is a failure: %+v", f)
	}
}

// TestQuiesceUntilReport: with auto, a worker that reports hears the signal.
func TestQuiesceUntilReport(t *testing.T) {
	w := newWorldAfter(t, queueRules(20), left(t, 1, false), func(s *Settings) { s.Quiesce, s.RetireSignal = true, unix.SIGTERM })
	w.heard("101")
	if c := w.condition(); !c.Inferred {
		t.Fatal("nothing is inferred")
	}
	if s := w.loop.shown.snapshot(); s.Counters.Requests != nil || s.Workers[0].Requests != nil || s.Workers[0].State != "unknown" {
		t.Errorf("%+v", s)
	}
	if line := w.loop.line.compose(); !strings.Contains(line, "| - requests") {
		t.Error(line)
	}
	w.says(101, report.Busy)
	w.says(101, report.Idle)
	if s := w.loop.shown.snapshot(); s.Counters.Requests == nil || *s.Counters.Requests != 1 || s.Workers[0].State != "idle" {
		t.Errorf("%+v", s)
	}
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.expectSignals("101", "TERM")
}

// TestSamples: a worker is started for a connection that waits for a delay, not for
// one that does not, and an idle loop does not wake.
func TestSamples(t *testing.T) {
	w := quiet(t, 1)
	w.connect()
	w.turn()
	w.accept()
	for range 10 {
		w.after(20 * time.Millisecond)
	}
	if len(w.starts) != 0 || w.loop.timeout() >= 0 && w.loop.timeout() < time.Second {
		t.Errorf("%d starts, the next wake-up in %v", len(w.starts), w.loop.timeout())
	}
	w.connect()
	w.turn()
	for range 4 {
		w.after(5 * time.Millisecond)
	}
	if len(w.starts) != 1 {
		t.Errorf("%d starts, want 1", len(w.starts))
	}
	w.connect()
	if got := w.loop.sockets.depths(); !slices.Equal(got, []int{2}) {
		t.Errorf("depths %v, want 2", got)
	}
}

// TestSampleBeforeDeaths: a worker that has taken its connection and ended at
// once is no bad start.
func TestSampleBeforeDeaths(t *testing.T) {
	w := newWorld(t, queueRules(5))
	w.connect()
	w.turn()
	w.now += time.Millisecond
	w.accept()
	w.die(101, policy.End{})
	w.turn()
	if c := w.condition(); c.Throttled || c.Total != 0 {
		t.Errorf("%+v", c)
	}
}

// TestQuiescePasses: a worker that goes from one short request to the next is stopped
// again and again, until that hits the moment between two. One whose client stays is
// left alone again.
func TestQuiescePasses(t *testing.T) {
	w := quiet(t, 2)
	w.held[101], w.held[102] = quiesce.Passing, quiesce.Holding
	w.after(2 * time.Second)
	w.loop.Signal(unix.SIGHUP)
	w.turn()
	for range passings {
		w.expectSignals("101")
		w.after(firstWait)
	}
	w.after(drainWait)
	w.expectSignals("101", "STOP", "CONT")
	w.held[101] = quiesce.Holding // the same as a moment ago: the request goes on
	w.after(drainWait)
	w.expectSignals("101", "STOP", "CONT")
	w.after(quickly)
	w.heard("101")
	w.after(longWait)
	w.after(longWait)
	w.expectSignals("101")
	w.held[101], w.stoppedHeld[101] = quiesce.Passing, quiesce.Free
	w.after(longWait)
	for range passings + 1 {
		w.after(firstWait)
	}
	w.expectSignals("101", "STOP", "KILL")
	w.expectSignals("102")
}
