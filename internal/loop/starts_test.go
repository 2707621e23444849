package loop

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

var errShort = errors.New("start worker process: clone: resource temporarily unavailable")

// TestShortSession: a start that the system refuses costs no connection. It is the
// next one, and what is behind it waits in the kernel.
func TestShortSession(t *testing.T) {
	d := newDoor(t, 0)
	d.fail = errShort
	d.come(3)
	d.turn() // fails when it spins
	if d.isClosed(0) || d.waiting() != 2 || len(d.loop.clients.kept) != 1 {
		t.Fatalf("closed %t, %d wait, %d are kept", d.isClosed(0), d.waiting(), len(d.loop.clients.kept))
	}
	d.allClosed()
	for range 100 {
		d.after(longestWait)
	}
	if n := d.said(event.Shortage); n != 1 || len(d.accepted) != 1 {
		t.Errorf("told %d times, %d accepted", n, len(d.accepted))
	}
	if line := d.loop.line.compose(); !strings.Contains(line, "temporarily unavailable") {
		t.Error(line)
	}
	d.fail = nil
	d.after(longestWait)
	if len(d.starts) != 3 || d.isClosed(0) || d.given[0] != d.accepted[0] || d.loop.tally.Rejected.Connections != 0 {
		t.Errorf("starts %v with %v of %v", d.starts, d.given, d.accepted)
	}
	d.allClosed()
}

// longestWait is no shorter than what the policy waits between two tries.
const longestWait = time.Second

// TestShortSessionRoom: the end of a session makes room at once.
func TestShortSessionRoom(t *testing.T) {
	d := newDoor(t, 0)
	d.come(2)
	d.turn()
	d.fail = errShort
	d.come(1)
	d.turn()
	d.fail = nil
	d.die(101, policy.End{})
	d.turn()
	if len(d.starts) != 3 || d.isClosed(2) {
		t.Errorf("starts %v", d.starts)
	}
	d.allClosed()
}

// TestShortForTooLong: after --start-timeout the connection is closed, which is said
// and counted.
func TestShortForTooLong(t *testing.T) {
	d := newDoor(t, 0)
	d.loop.cfg.StartTimeout = 30 * time.Second
	d.fail = errShort
	d.come(2)
	d.turn()
	d.after(29 * time.Second)
	if d.isClosed(0) {
		t.Fatal("closed before its time")
	}
	d.after(time.Second)
	if !d.isClosed(0) || d.isClosed(1) || d.loop.tally.Rejected.Connections != 1 || d.said(event.NoWorkerInTime) != 1 {
		t.Errorf("closed %t %t, rejected %d: %s", d.isClosed(0), d.isClosed(1), d.loop.tally.Rejected.Connections, &d.logged)
	}
	d.fail = nil
	d.after(longestWait)
	if len(d.starts) != 1 || d.waiting() != 0 || d.condition().Owed != 0 {
		t.Errorf("starts %v, %d wait, %+v", d.starts, d.waiting(), d.condition())
	}
	d.allClosed()
}

// TestStopWhileShort: a stop closes what it could not start, and ends.
func TestStopWhileShort(t *testing.T) {
	d := newDoor(t, 0)
	d.fail = errShort
	d.come(1)
	d.turn()
	d.loop.Signal(unix.SIGTERM)
	d.turn()
	if d.loop.done || d.isClosed(0) {
		t.Fatal("it does not try again")
	}
	d.loop.Signal(unix.SIGTERM)
	d.turn()
	if !d.loop.done || !d.isClosed(0) {
		t.Errorf("done %t, closed %t", d.loop.done, d.isClosed(0))
	}
	d.allClosed()
}

// TestHangingCommands: what hangs in its execution holds nobody up but those that would
// hang too, costs few wake-ups, and is served in the end.
func TestHangingCommands(t *testing.T) {
	d := newDoor(t, 0)
	d.hang = true
	d.come(maxUnderWay + 10)
	d.turn()
	if len(d.starts) != maxUnderWay || len(d.loop.clients.kept) > 1 {
		t.Fatalf("%d starts under way, %d connections are kept", len(d.starts), len(d.loop.clients.kept))
	}
	d.allClosed()
	if s := d.loop.shown.snapshot(); s.Total != maxUnderWay+1 { // one waits for its turn
		t.Errorf("%d workers are shown", s.Total)
	}
	wakes := 0
	for end := d.now + 20*time.Second; d.now < end; wakes++ {
		d.after(d.loop.timeout())
	}
	if wakes > 20*5+20 {
		t.Errorf("%d wake-ups in 20 s", wakes)
	}
	d.hang = false
	d.after(lastLookAtStart)
	if len(d.starts) != maxUnderWay+10 || d.isClosed(0) || d.isClosed(maxUnderWay+9) || len(d.loop.clients.kept) != 0 {
		t.Errorf("%d starts, %d connections are kept", len(d.starts), len(d.loop.clients.kept))
	}
	d.allClosed()
}

// TestHangingCommandStops: a worker whose command is not executed holds nobody, so a
// stop does not wait for it, and neither for one that cannot be ended at all.
func TestHangingCommandStops(t *testing.T) {
	w := newWorld(t, queueRules(5))
	w.hang = true
	w.connect()
	w.turn()
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	if len(w.signals) != 1 || w.signals[0] != "101 SIGKILL false" {
		t.Fatalf("signals %q", w.signals)
	}
	w.after(30 * time.Second)
	if w.loop.done {
		t.Fatal("it does not wait at all")
	}
	w.after(5 * time.Second)
	if !w.loop.done || w.said(event.LeftBehind) != 1 {
		t.Errorf("done %t: %s", w.loop.done, &w.logged)
	}
}

// TestUnexecutable: why a command could not be executed is known after the clone. A
// fault of the command costs its connection, a shortage does not.
func TestUnexecutable(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		closed bool
	}{
		"fault":    {CommandFault{errors.New("worker command /x: exec format error")}, true},
		"shortage": {errors.New("execute /x: cannot allocate memory"), false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, 0)
			d.unexecutable = map[int]error{101: c.err}
			d.come(1)
			d.turn()
			if d.isClosed(0) {
				t.Fatal("closed before the process has ended")
			}
			d.die(101, policy.End{Code: 203})
			d.turn()
			_, err := unix.FcntlInt(uintptr(d.accepted[0]), unix.F_GETFD, 0)
			if closed := errors.Is(err, unix.EBADF); closed != c.closed || !d.condition().Throttled {
				t.Errorf("closed %t, %+v", closed, d.condition())
			}
			if line := d.loop.line.compose(); !strings.Contains(line, c.err.Error()) {
				t.Error(line)
			}
			d.after(longestWait)
			if starts := 2; !c.closed && len(d.starts) != starts {
				t.Errorf("starts %v", d.starts)
			}
			if k := d.condition().Counters; k.SpawnFailures != 1 || k.Requests != 0 || d.loop.facts.failure != nil {
				t.Errorf("%+v, %+v", k, d.loop.facts.failure)
			}
			d.allClosed()
		})
	}
}

// TestUnwatchableForAWhile: when the kernel has no room for one more descriptor in the
// set, the worker serves all the same, and its end is noticed later.
func TestUnwatchableForAWhile(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	p := w.loop.procs[101]
	if err := w.loop.epoll.remove(p.FD); err != nil {
		t.Fatal(err)
	}
	p.unwatched = true
	w.loop.workers.watchLater(p, unix.ENOSPC)
	w.die(101, policy.End{})
	w.turn()
	if len(w.loop.procs) != 1 {
		t.Fatal("the end was noticed")
	}
	w.after(watchAgain)
	if w.loop.procs[101] != nil || p.unwatched {
		t.Errorf("procs %v", w.loop.procs)
	}
}
