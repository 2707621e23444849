package loop

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// pass lets a moment go by and makes one turn, whether anything is ready or not.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.now += d
	w.loop.wake.wake() // else a turn with nothing to do would wait for it
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
	if c := w.condition(); c.Total != 1 || len(w.starts) != 0 || len(w.stored) != 0 {
		t.Fatalf("given up too early: %+v, starts %v", c, w.starts)
	}
	w.ends[101] = policy.End{Signal: int(unix.SIGSEGV)}
	w.pass(askAgain)
	if c := w.condition(); c.Counters.Exited != 1 || c.Counters.UnknownExits != 0 {
		t.Errorf("%+v", c)
	}
	if w.said(event.WorkerFailed, "worker_pid=101", "signal=SIGSEGV") != 1 {
		t.Errorf("log: %s", &w.logged)
	}
	w.turn() // its slot is free: the connection gets a worker, unless it pauses
	if !slices.Equal(w.stored, []string{"-1"}) || len(w.slots) != len(w.starts) || len(w.loop.exits.unreaped) != 0 {
		t.Errorf("stored %q, slots %v, unreaped %v", w.stored, w.slots, w.loop.exits.unreaped)
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
	if len(w.starts) != 1 {
		t.Errorf("starts %v: the slot is not used again", w.starts)
	}
}

// TestSeveralUnreaped: one that is never known keeps no other waiting.
func TestSeveralUnreaped(t *testing.T) {
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
	w.loop.seams.Wait = func(spawn.Process) (policy.End, bool, error) { return policy.End{}, false, unix.EINVAL }
	w.fall(101)
	w.turn()
	if c := w.condition(); c.Total != 0 || c.Throttled || c.Counters.UnknownExits != 1 {
		t.Errorf("%+v", c)
	}
	if w.said(event.EndUnknown, "worker_pid=101") != 1 {
		t.Errorf("log: %s", &w.logged)
	}
}

// TestPidOfAnUnreaped: an adopted worker's number is free as soon as the service
// manager has collected it, before its end was noticed here. A new worker of that
// number cannot be kept, which is no reason to give up the service.
func TestPidOfAnUnreaped(t *testing.T) {
	w := newWorldAfter(t, daemonRules(3), left(t, 1, true))
	start := w.loop.seams.Start
	w.loop.seams.Start = func(generation uint64, stress bool, _ int, _ *spawn.Conn) (spawn.Process, error) {
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
	w.loop.seams.Start = start
	w.ends[101] = policy.End{}
	w.after(watchAgain)
	if len(w.loop.workers.discarded) != 0 {
		t.Error("it is not collected")
	}
}

// TestEndsAsAsked: the status of a worker that was asked to exit is its own, unless it was
// known to hold a client.
func TestEndsAsAsked(t *testing.T) {
	for name, test := range map[string]struct {
		last  report.Availability
		asked bool
		end   policy.End
		fails bool
	}{
		"idle":                 {report.Idle, true, policy.End{Code: 255}, false},
		"idle, by a signal":    {report.Idle, true, policy.End{Signal: int(unix.SIGSEGV)}, true},
		"idle, and not asked":  {report.Idle, false, policy.End{Code: 255}, true},
		"busy":                 {report.Busy, true, policy.End{Code: 255}, true},
		"busy, by that signal": {report.Busy, true, policy.End{Signal: int(unix.SIGTERM)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, daemonRules(2))
			w.connect()
			w.turn()
			w.accept()
			w.says(101, report.Busy)
			w.says(101, report.Idle)
			w.says(101, test.last)
			w.turn()
			if test.asked {
				w.loop.cfg.RetireSignal = unix.SIGTERM
				w.loop.apply(w.loop.policy.Stop(w.now))
			}
			w.die(101, test.end)
			w.turn()
			if c := w.condition(); c.Total != 0 || c.Counters.Exited != 1 {
				t.Fatalf("%+v", c)
			}
			if failed := w.loop.facts.failure != nil; failed != test.fails {
				t.Errorf("failed: %t\n%s", failed, &w.logged)
			}
			if said := w.said(event.WorkerFailed, "worker_pid=101")+w.said(event.WorkerCrashed, "worker_pid=101") > 0; said != test.fails {
				t.Errorf("said: %t\n%s", said, &w.logged)
			}
		})
	}
}
