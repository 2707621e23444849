package loop

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
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
			Process: spawn.Process{PID: 100 + i, FD: fd}, Slot: i, Stored: stored,
			Entry: policy.Entry{ID: 100 + i, Generation: uint64(i), State: policy.BusyState, Taken: true, Finished: 5},
		})
	}
	return r
}

// maybeStopped says that the earlier process may have stopped all of them.
func maybeStopped(r *Restored) *Restored {
	for i := range r.Workers {
		r.Workers[i].MayBeStopped = true
	}
	return r
}

// TestIntentComesFirst: the start is on record before the clone, the pid right
// after it, and every change from then on.
func TestIntentComesFirst(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	if !slices.Equal(w.atStart, []string{"intended"}) {
		t.Errorf("when it was started the record said %q", w.atStart)
	}
	if w.slots[1] != "101 state 0" {
		t.Errorf("new worker: %v", w.slots)
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

func TestRefusedStartIsForgotten(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.fail = CommandFault{errors.New("no")}
	w.connect()
	w.turn()
	if len(w.slots) != 0 || !w.memory.Throttled || w.memory.Counters.SpawnFailures != 1 {
		t.Errorf("slots %v, %+v", w.slots, w.memory)
	}
}

// TestUnwatchableStart: /dev/null cannot be in an epoll set.
func TestUnwatchableStart(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	fd := -1
	collected := 0
	w.loop.seams.Wait = func(p spawn.Process) (policy.End, bool, error) { collected = p.PID; return policy.End{}, true, nil }
	w.loop.seams.Start = func(uint64, bool, int, *spawn.Conn) (p spawn.Process, err error) {
		fd, err = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return spawn.Process{PID: 500, FD: fd}, err
	}
	w.connect()
	w.turn()
	throttled := w.condition().Throttled
	w.loop.seams.Start = func(uint64, bool, int, *spawn.Conn) (spawn.Process, error) { return spawn.Process{}, unix.EAGAIN }
	w.after(watchAgain)
	if !slices.Equal(w.signals, []string{"500 SIGKILL true"}) || collected != 500 || len(w.loop.procs) != 0 || len(w.slots) != 0 ||
		!throttled {
		t.Errorf("signals %q, procs %v, slots %v", w.signals, w.loop.procs, w.slots)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("its descriptor is open: %v", err)
	}
}

// TestUnwritableIntent: a start that cannot be written down happens, and no
// slot is touched for it.
func TestUnwritableIntent(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.loop.seams.Keep.Intend = func(uint64, policy.Instant, bool) (int, error) { return 7, unix.ENOMEM }
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	if len(w.starts) != 1 || len(w.slots) != 0 || w.said(event.NotRecorded) != 1 {
		t.Errorf("starts %v, slots %v, log %s", w.starts, w.slots, &w.logged)
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
	w.after(firstQueueLook)
	if d := w.loop.timeout(); d != storeAfter-firstQueueLook {
		t.Errorf("the loop would wake after %v, not when 101 is old enough", d)
	}
	w.after(storeAfter/2 - firstQueueLook)
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
	if next := w.loop.memory.nextStore(); next != 0 {
		t.Errorf("the loop would wake at %v for one that is dead", next)
	}
	w.die(101, policy.End{})
	w.after(storeAfter)
	if !slices.Equal(w.stored, []string{"+1", "-1"}) {
		t.Errorf("in the end: %q; 102 lived for half a second", w.stored)
	}
	if len(w.loop.memory.unstored) != 0 {
		t.Errorf("unstored: %v", w.loop.memory.unstored)
	}
}

// TestStoredMost: of a large pool as many are stored as the store can hand over in no
// time, and all can be told from later processes of their pids.
func TestStoredMost(t *testing.T) {
	const more = 3
	w := newWorldAfter(t, daemonRules(StoredMost+2*more), left(t, StoredMost+more, false))
	w.after(storeAfter)
	if len(w.stored) != StoredMost || w.identified != StoredMost+more {
		t.Errorf("%d stored, %d identified, want %d, %d", len(w.stored), w.identified, StoredMost, StoredMost+more)
	}
	w.die(100+StoredMost+more, policy.End{}) // which is not stored
	w.turn()
	if len(w.stored) != StoredMost || w.loop.memory.stored != StoredMost {
		t.Errorf("stored %d, %q", w.loop.memory.stored, w.stored[StoredMost:])
	}
	w.die(101, policy.End{})
	w.turn()
	if len(w.stored) != StoredMost+1 || w.stored[StoredMost] != "-1" || w.loop.memory.stored != StoredMost-1 {
		t.Errorf("stored %d, %q", w.loop.memory.stored, w.stored[StoredMost:])
	}
}

// TestRestored: adopted workers count against the limit before the first start,
// and numbers go on.
func TestRestored(t *testing.T) {
	w := newWorldAfter(t, daemonRules(2), left(t, 2, true))
	w.connect()
	w.pass(0)
	if c := w.condition(); len(w.starts) != 0 || c.Busy != 2 || c.Counters.Adopted != 2 || !c.Full {
		t.Errorf("starts %v, %+v", w.starts, c)
	}
	if w.said(event.Adopted, "workers=2", "working=2") != 1 {
		t.Errorf("log: %s", &w.logged)
	}
	if s := w.loop.shown.snapshot(); !s.Workers[0].Adopted || s.Counters.RejectedReports != 4 || s.Counters.RejectedConnections != 3 || w.tally.Rejected != (Rejected{4, 3}) || s.StartedAt.Unix() != 1000 {
		t.Errorf("%+v", s)
	}
	if w.slots[1] != "101 state 2" || w.slots[2] != "102 state 2" {
		t.Errorf("slots %v", w.slots)
	}
	w.after(2 * storeAfter)
	w.die(101, policy.End{Code: 1})
	w.turn()
	if !slices.Equal(w.starts, []uint64{3}) || !slices.Equal(w.stored, []string{"-1"}) {
		t.Errorf("starts %v, stored %q", w.starts, w.stored)
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
	if w.said(event.Upgraded, "version=9", "workers=2", "working=2") != 1 {
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
	if line := w.loop.line.compose(); len(w.starts) != 0 || !strings.Contains(line, "THROTTLED until") || !isReason(w.loop.facts.throttle, event.BadEnd) {
		t.Errorf("starts %v, %s", w.starts, line)
	}
	w.after(time.Second)
	if len(w.starts) != 1 {
		t.Errorf("starts %v after the pause", w.starts)
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
	if w.loop.done || len(w.starts) != 1 {
		t.Fatalf("done %t with a connection, starts %v", w.loop.done, w.starts)
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

// TestStopDuringReload: whoever waits for a rolling restart is told that it will not
// come.
func TestStopDuringReload(t *testing.T) {
	w := newWorldAfter(t, daemonRules(5), left(t, 3, true))
	outcome := make(chan Outcome, 2)
	ask := func() {
		go func() { o, _ := w.loop.Reload(context.Background(), ""); outcome <- o }()
		waitWake(t, w)
		w.turn()
	}
	ask()
	if !w.condition().RollingOut {
		t.Fatalf("no rolling restart: %+v", w.condition())
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

// TestUpgradeUnstores: a worker that the image before this one gave to the service
// manager's store is taken out of it again, also when it ends before it is given there
// by this one.
func TestUpgradeUnstores(t *testing.T) {
	for _, upgraded := range []bool{true, false} {
		r := left(t, 1, false)
		r.Upgraded = upgraded
		w := newWorldAfter(t, policy.Config{Limit: 4, IgnoreUnknownExit: true}, r)
		w.die(101, policy.End{})
		w.turn()
		if got := len(w.stored) > 0 && w.stored[0][0] == '-'; got != upgraded {
			t.Errorf("upgraded %t: %q", upgraded, w.stored)
		}
	}
}
