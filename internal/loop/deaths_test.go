package loop

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// pass lets a moment go by and makes one turn, whether anything is ready or not.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.now += d
	w.loop.bell.ring() // else a turn with nothing to do would wait for it
	if err := w.loop.turn(); err != nil {
		w.t.Fatal(err)
	}
}

// TestEndIsKnownLater: an adopted worker's slot stays taken until the manager
// has collected it and the way of its end is known; the loop does not spin
// meanwhile.
func TestEndIsKnownLater(t *testing.T) {
	w := newWorldAfter(t, daemonRules(1), left(t, 1, true))
	w.connect()
	w.turn()
	w.fall(101)
	w.turn() // fails when it spins
	if d := w.loop.timeout(); d != askAgain || w.ready() {
		t.Errorf("asks again after %v, ready %t", d, w.ready())
	}
	w.pass(askAgain)
	if c := w.condition(); c.Total != 1 || len(w.births) != 0 || len(w.stored) != 0 {
		t.Fatalf("given up too early: %+v, births %v", c, w.births)
	}
	w.ends[101] = policy.End{Signal: int(unix.SIGSEGV)}
	w.pass(askAgain)
	if c := w.condition(); c.Counters.Exited != 1 || c.Counters.UnknownExits != 0 {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(w.logged.String(), "worker 101 was killed by signal 11") {
		t.Errorf("log: %s", &w.logged)
	}
	w.turn() // its slot is free: the connection gets a worker, unless it pauses
	if !slices.Equal(w.stored, []string{"-1"}) || len(w.slots) != len(w.births) || len(w.loop.dying) != 0 {
		t.Errorf("stored %q, slots %v, dying %v", w.stored, w.slots, w.loop.dying)
	}
}

// TestEndIsNeverKnown: on kernels that cannot tell, it is a good end after
// askLong.
func TestEndIsNeverKnown(t *testing.T) {
	w := newWorldAfter(t, daemonRules(1), left(t, 1, false))
	w.connect()
	w.turn()
	w.fall(101)
	w.turn()
	for range askLong/askAgain - 1 {
		w.pass(askAgain)
	}
	if c := w.condition(); c.Counters.Exited != 0 {
		t.Fatalf("given up after %v: %+v", w.now-time.Hour, c)
	}
	w.pass(askAgain)
	c := w.condition()
	if c.Counters.Exited != 1 || c.Counters.UnknownExits != 1 || c.Throttled || len(w.stored) != 0 {
		t.Errorf("%+v, stored %q", c, w.stored)
	}
	w.turn()
	if len(w.births) != 1 {
		t.Errorf("births %v: the slot is not used again", w.births)
	}
}

// TestSeveralDying: one that is never known keeps no other waiting.
func TestSeveralDying(t *testing.T) {
	w := newWorldAfter(t, daemonRules(3), left(t, 3, true))
	for pid := 101; pid <= 103; pid++ {
		w.fall(pid)
	}
	w.turn()
	w.ends[102] = policy.End{}
	w.pass(askAgain)
	if c := w.condition(); c.Total != 2 || w.loop.procs[102] != nil {
		t.Errorf("%+v", c)
	}
	w.ends[103] = policy.End{}
	w.pass(askLong)
	if c := w.condition(); c.Total != 0 || c.Counters.UnknownExits != 1 || len(w.loop.procs) != 0 {
		t.Errorf("%+v", c)
	}
	slices.Sort(w.stored)
	if !slices.Equal(w.stored, []string{"-1", "-2", "-3"}) {
		t.Errorf("stored %q", w.stored)
	}
}

// TestWaitFails: what cannot be told is no bad end.
func TestWaitFails(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	w.loop.seams.Wait = func(Process) (policy.End, bool, error) { return policy.End{}, false, unix.EINVAL }
	w.fall(101)
	w.turn()
	if c := w.condition(); c.Total != 0 || c.Throttled || c.Counters.UnknownExits != 1 {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(w.logged.String(), "how worker 101 ended cannot be told") {
		t.Errorf("log: %s", &w.logged)
	}
}

// TestPidOfTheDying: an adopted worker's number is free as soon as the service
// manager has collected it, before its end was noticed here. A newborn of that
// number cannot be kept, which is no reason to give up the service.
func TestPidOfTheDying(t *testing.T) {
	w := newWorldAfter(t, daemonRules(3), left(t, 1, true))
	start := w.loop.seams.Start
	w.loop.seams.Start = func(generation uint64, stress bool, _ int, _ *Conn) (Process, error) {
		p, err := start(generation, stress, -1, nil)
		p.PID = 101
		_, _ = unix.Write(p.FD, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // it ends when it is killed
		return p, err
	}
	w.connect()
	w.turn()
	if !slices.Equal(w.signals, []string{"101 SIGKILL true"}) || w.condition().Total != 1 || w.slots[2] != "" {
		t.Errorf("signals %q, %+v, slots %v", w.signals, w.condition(), w.slots)
	}
}
