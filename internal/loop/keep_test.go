package loop

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// left is what an earlier process has left: living workers with pids from 101,
// all busy, stored or not.
func left(t *testing.T, n int, stored bool) *Restored {
	t.Helper()
	r := &Restored{Memory: policy.Forgotten(), Tally: Tally{Rejected: Rejected{Reports: 4, Connections: 3}}, Started: time.Unix(1000, 0)}
	r.Memory.Generation = uint64(n)
	for i := 1; i <= n; i++ {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK) // the loop closes it
		if err != nil {
			t.Fatal(err)
		}
		r.Workers = append(r.Workers, RestoredWorker{
			Process: Process{PID: 100 + i, FD: fd}, Slot: i, Stored: stored,
			Entry: policy.Entry{ID: 100 + i, Generation: uint64(i), State: policy.BusyState, Taken: true, Finished: 5},
		})
	}
	return r
}

// TestIntentComesFirst: the birth is on record before the clone, the pid right
// after it, and every change from then on.
func TestIntentComesFirst(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	if !slices.Equal(w.atBirth, []string{"intended"}) {
		t.Errorf("at its birth the record said %q", w.atBirth)
	}
	if w.slots[1] != "101 state 0" {
		t.Errorf("newborn: %v", w.slots)
	}
	w.accept()
	w.says(101, report.Busy)
	if w.slots[1] != "101 state 2" {
		t.Errorf("busy: %v", w.slots)
	}
	w.die(101, policy.End{})
	w.turn()
	if len(w.slots) != 0 || w.memory.Generation != 1 || w.memory.Counters.Exited != 1 {
		t.Errorf("after its end: %v, %+v", w.slots, w.memory)
	}
}

func TestRefusedBirthIsForgotten(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.fail = errors.New("no")
	w.connect()
	w.turn()
	if len(w.slots) != 0 || !w.memory.Throttled || w.memory.Counters.SpawnFailures != 1 {
		t.Errorf("slots %v, %+v", w.slots, w.memory)
	}
}

// TestUnwatchableNewborn: /dev/null cannot be in an epoll set.
func TestUnwatchableNewborn(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	fd := -1
	collected := 0
	w.loop.seams.Wait = func(p Process) (policy.End, bool, error) { collected = p.PID; return policy.End{}, true, nil }
	w.loop.seams.Start = func(uint64, bool, int, *Conn) (p Process, err error) {
		fd, err = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return Process{PID: 500, FD: fd}, err
	}
	w.connect()
	w.turn()
	if !slices.Equal(w.signals, []string{"500 SIGKILL true"}) || collected != 500 || len(w.loop.procs) != 0 || len(w.slots) != 0 ||
		!w.condition().Throttled {
		t.Errorf("signals %q, procs %v, slots %v", w.signals, w.loop.procs, w.slots)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("its descriptor is open: %v", err)
	}
}

// TestUnwritableIntent: a birth that cannot be written down happens, and no
// slot is touched for it.
func TestUnwritableIntent(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.loop.seams.Keep.Intend = func(uint64, policy.Instant, bool) (int, error) { return 7, unix.ENOMEM }
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	if len(w.births) != 1 || len(w.slots) != 0 || !strings.Contains(w.logged.String(), "cannot be written down") {
		t.Errorf("births %v, slots %v, log %s", w.births, w.slots, &w.logged)
	}
	w.loop.seams.Keep.Free = func(slot int) { t.Errorf("slot %d was freed", slot) }
	w.die(101, policy.End{})
	w.turn()
}

// TestStoredAfterASecond: processes that live for a moment cost the service
// manager nothing.
func TestStoredAfterASecond(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	if d := w.loop.timeout(); d != storeAfter {
		t.Errorf("the loop would wake after %v, not when 101 is old enough", d)
	}
	w.after(storeAfter / 2)
	w.connect()
	w.turn()
	w.accept()
	w.says(102, report.Busy)
	w.after(storeAfter/2 - 1)
	if len(w.stored) != 0 {
		t.Errorf("stored too early: %q", w.stored)
	}
	w.after(1)
	if !slices.Equal(w.stored, []string{"+1"}) {
		t.Errorf("after a second: %q", w.stored)
	}
	w.die(102, policy.End{})
	w.turn()
	if next := w.loop.nextStore(); next != 0 {
		t.Errorf("the loop would wake at %v for one that is dead", next)
	}
	w.die(101, policy.End{})
	w.after(storeAfter)
	if !slices.Equal(w.stored, []string{"+1", "-1"}) {
		t.Errorf("in the end: %q; 102 lived for half a second", w.stored)
	}
	if len(w.loop.young) != 0 {
		t.Errorf("young: %v", w.loop.young)
	}
}

// TestRestored: adopted workers count against the limit before the first birth,
// and numbers go on.
func TestRestored(t *testing.T) {
	w := newWorldAfter(t, daemonRules(2), left(t, 2, true))
	w.connect()
	w.pass(0)
	if c := w.condition(); len(w.births) != 0 || c.Busy != 2 || c.Counters.Adopted != 2 || !c.Full {
		t.Errorf("births %v, %+v", w.births, c)
	}
	if !strings.Contains(w.logged.String(), "2 running workers were adopted, 2 of them busy") {
		t.Errorf("log: %s", &w.logged)
	}
	if s := w.loop.snapshot(); !s.Workers[0].Adopted || s.Counters.RejectedReports != 4 || s.Counters.RejectedConnections != 3 || w.tally.Rejected != (Rejected{4, 3}) || s.StartedAt.Unix() != 1000 {
		t.Errorf("%+v", s)
	}
	if w.slots[1] != "101 state 2" || w.slots[2] != "102 state 2" {
		t.Errorf("slots %v", w.slots)
	}
	w.after(2 * storeAfter)
	w.die(101, policy.End{Code: 1})
	w.turn()
	if !slices.Equal(w.births, []uint64{3}) || !slices.Equal(w.stored, []string{"-1"}) {
		t.Errorf("births %v, stored %q", w.births, w.stored)
	}
	if c := w.condition(); c.Throttled {
		t.Errorf("a worker that had worked ended badly, and %+v", c)
	}
}

// TestRestoredAreStored: those that the store does not have, such as all after
// an upgrade, get there.
func TestRestoredAreStored(t *testing.T) {
	r := left(t, 2, false)
	r.Upgraded = true
	w := newWorldAfter(t, daemonRules(5), r)
	if !strings.Contains(w.logged.String(), "upgraded in place to 9 with 2 workers, 2 of them busy") {
		t.Errorf("log: %s", &w.logged)
	}
	w.after(storeAfter)
	if !slices.Equal(w.stored, []string{"+1", "+2"}) {
		t.Errorf("stored %q", w.stored)
	}
}

// TestRestoredThrottle: the pause and its reason go on.
func TestRestoredThrottle(t *testing.T) {
	r := left(t, 0, false)
	r.Memory.Throttled, r.Memory.ThrottleDue = true, time.Hour+time.Second
	r.Memory.Cause = policy.Action{Kind: policy.Throttle, Why: policy.BadEnd, End: policy.End{Code: 3}}
	w := newWorldAfter(t, daemonRules(5), r)
	w.connect()
	w.turn()
	if line := w.loop.compose(); len(w.births) != 0 || !strings.Contains(line, "THROTTLED until") || !strings.Contains(line, "status 3") {
		t.Errorf("births %v, %s", w.births, line)
	}
	w.after(time.Second)
	if len(w.births) != 1 {
		t.Errorf("births %v after the pause", w.births)
	}
}

// TestIdleExit: an idle service leaves, but not while a connection waits or an
// upgrade is under way.
func TestIdleExit(t *testing.T) {
	cfg := daemonRules(5)
	cfg.ExitIdleTime = time.Minute
	w := newWorld(t, cfg)
	w.after(time.Minute - 1)
	w.connect()
	w.after(1) // both at once
	if w.loop.done || len(w.births) != 1 {
		t.Fatalf("done %t with a connection, births %v", w.loop.done, w.births)
	}
	w.accept()
	w.says(101, report.Busy)
	w.die(101, policy.End{})
	w.turn()
	w.loop.Signal(unix.SIGUSR2)
	w.turn()
	w.after(time.Minute)
	if w.loop.done || len(w.trials) != 1 {
		t.Fatalf("done %t during an upgrade, %d trials", w.loop.done, len(w.trials))
	}
	w.trials[0](errors.New("no"))
	w.turn()
	w.after(time.Minute)
	if !w.loop.done || len(w.told) != 1 || !strings.HasPrefix(w.told[0], "STOPPING 0 busy, 0 idle") {
		t.Errorf("done %t, told %q", w.loop.done, w.told)
	}
}

// TestStopDuringReload: whoever waits for a roll-out is told that it will not
// come.
func TestStopDuringReload(t *testing.T) {
	w := newWorldAfter(t, daemonRules(5), left(t, 3, true))
	outcome := make(chan Outcome, 2)
	ask := func() {
		go func() { o, _ := w.loop.Reload(context.Background()); outcome <- o }()
		waitBell(t, w)
		w.turn()
	}
	ask()
	if !w.condition().RollingOut {
		t.Fatalf("no roll-out: %+v", w.condition())
	}
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	ask()
	for range 2 {
		select {
		case o := <-outcome:
			if !errors.Is(o.Err, ErrDraining) {
				t.Errorf("outcome %+v", o)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no outcome")
		}
	}
}
