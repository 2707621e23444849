package loop

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// quiet is a service of n workers that do not report, and are quiesced.
func quiet(t *testing.T, n int) *world {
	t.Helper()
	w := newWorldAfter(t, queueRules(20), left(t, n, true), alwaysQuiesce)
	w.held = map[int]Held{}
	w.turn()
	w.signals = nil // SIGCONT, for those that an earlier availd had stopped
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

// TestQuiesce: one that holds nothing is killed, others go on and are looked at
// again, later each time.
func TestQuiesce(t *testing.T) {
	w := quiet(t, 2)
	w.held[101], w.held[102] = HeldNone, HeldSome
	w.after(2 * time.Second) // nobody has been here for a second: all are to leave
	w.loop.Signal(unix.SIGHUP)
	w.turn()
	w.expectSignals("101", "STOP", "KILL")
	w.expectSignals("102", "STOP", "CONT")
	w.die(101, policy.End{Signal: 9})
	w.turn()
	if c := w.condition(); c.Total != 1 || w.loop.facts.failure != nil || strings.Contains(w.logged.String(), "SIGKILL") {
		t.Errorf("its end is a failure: %+v, log %s", c, &w.logged)
	}
	for _, wait := range []time.Duration{firstWait, 2 * firstWait, 4 * firstWait} {
		w.after(wait - 1)
		w.expectSignals("102")
		w.after(1)
		w.expectSignals("102", "STOP", "CONT")
	}
	for range 8 {
		w.after(longWait)
	}
	w.heard("102")
	w.after(longWait - 1)
	w.expectSignals("102")
	w.held[102] = HeldNone
	w.after(1)
	w.expectSignals("102", "STOP", "KILL")
	w.after(time.Hour)
	w.expectSignals("102")
}

// TestQuiesceSlowStop: one that takes its time to stop stays stopped while it is
// waited for, but not for ever.
func TestQuiesceSlowStop(t *testing.T) {
	w := quiet(t, 1)
	w.held[101] = HeldRunning
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.after(lookAgain)
	w.after(lookAgain)
	w.expectSignals("101", "STOP")
	w.after(lookLong)
	w.expectSignals("101", "CONT")
	w.held[101] = HeldNone
	w.after(drainWait)
	w.expectSignals("101", "STOP", "KILL")
}

// TestQuiesceDrain: at a stop workers are looked at often, and not all at once.
func TestQuiesceDrain(t *testing.T) {
	w := quiet(t, 20)
	for pid := 101; pid <= 120; pid++ {
		w.held[pid] = HeldSome
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
	w.loop.seams.Look = func(workers []Process, found []Held) {
		w.now += 2 * drainWait
		look(workers, found)
	}
	for i := range maxLooks {
		w.held[101+i], w.held[101+maxLooks+i] = HeldSome, HeldNone
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
	w.held[101], w.held[102] = HeldDenied, HeldDenied
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.expectSignals("101", "STOP", "CONT", "TERM")
	w.expectSignals("102", "STOP", "CONT", "TERM")
	w.after(time.Second)
	w.expectSignals("101")
	if n := strings.Count(w.logged.String(), "workers may not be looked at"); n != 1 {
		t.Errorf("%d warnings, want one: %s", n, &w.logged)
	}
	w.die(101, policy.End{Signal: int(unix.SIGTERM)})
	w.die(102, policy.End{Signal: int(unix.SIGSEGV)})
	w.turn()
	if log := w.logged.String(); strings.Contains(log, "worker 101 was killed") || !strings.Contains(log, "worker 102 was killed") ||
		w.loop.tally.Exits[status.ExitClean] != 1 || w.loop.tally.Exits[status.ExitSignal] != 1 {
		t.Errorf("SIGTERM is what it was sent: %s, %v", log, w.loop.tally.Exits)
	}
	x := quiet(t, 1)
	x.held[101] = HeldShared
	x.loop.Signal(unix.SIGTERM)
	x.turn()
	x.expectSignals("101", "STOP", "CONT", "TERM")
	if !strings.Contains(x.logged.String(), "workers have started processes that accept too") {
		t.Errorf("log: %s", &x.logged)
	}
	x = quiet(t, 1)
	x.deny = true
	x.loop.Signal(unix.SIGTERM)
	x.turn()
	x.expectSignals("101", "CONT", "TERM")
}

// TestQuiesceOverUpgrade: nobody stays stopped, and what was begun goes on.
func TestQuiesceOverUpgrade(t *testing.T) {
	w := quiet(t, 1)
	w.held[101] = HeldRunning
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
	r := left(t, 2, false)
	r.Workers[0].Entry.Leaving, r.Workers[0].Entry.Told = true, true
	w = newWorldAfter(t, queueRules(20), r, alwaysQuiesce)
	w.held = map[int]Held{101: HeldNone, 102: HeldNone}
	w.turn()
	w.expectSignals("101", "CONT", "STOP", "KILL")
	w.expectSignals("102", "CONT")
}

// TestQuiesceGoesOn: with auto, one that was being ended between two connections
// does not know that it is to leave. That others have begun to report meanwhile does
// not tell it.
func TestQuiesceGoesOn(t *testing.T) {
	r := left(t, 3, false)
	r.Memory.Reported = true
	for i := range 2 {
		e := &r.Workers[i].Entry
		e.Leaving, e.Told = true, true
	}
	mute := &r.Workers[0].Entry
	mute.Taken, mute.Finished, mute.Held, mute.State = false, 0, 1, policy.IdleState
	r.Workers[1].Entry.Held = 1
	w := newWorldAfter(t, queueRules(20), r, func(s *Settings) { s.Quiesce, s.RetireSignal = true, unix.SIGTERM })
	w.held = map[int]Held{101: HeldNone}
	w.turn()
	w.expectSignals("101", "CONT", "STOP", "KILL")
	w.expectSignals("102", "CONT") // it has heard the signal, and finishes
	w.expectSignals("103", "CONT")
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
	if s := w.loop.snapshot(); s.Counters.Requests != nil || s.Workers[0].Requests != nil || s.Workers[0].State != "unknown" {
		t.Errorf("%+v", s)
	}
	if line := w.loop.compose(); !strings.Contains(line, "| - requests") {
		t.Error(line)
	}
	w.says(101, report.Busy)
	w.says(101, report.Idle)
	if s := w.loop.snapshot(); s.Counters.Requests == nil || *s.Counters.Requests != 1 || s.Workers[0].State != "idle" {
		t.Errorf("%+v", s)
	}
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.expectSignals("101", "TERM")
}

// TestSamples: a worker is born for a connection that waits for a delay, not for
// one that does not, and an idle loop does not wake.
func TestSamples(t *testing.T) {
	w := quiet(t, 1)
	w.connect()
	w.turn()
	w.accept()
	for range 10 {
		w.after(20 * time.Millisecond)
	}
	if len(w.births) != 0 || w.loop.timeout() >= 0 && w.loop.timeout() < time.Second {
		t.Errorf("%d births, the next wake-up in %v", len(w.births), w.loop.timeout())
	}
	w.connect()
	w.turn()
	for range 4 {
		w.after(5 * time.Millisecond)
	}
	if len(w.births) != 1 {
		t.Errorf("%d births, want 1", len(w.births))
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
