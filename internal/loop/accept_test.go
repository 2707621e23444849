package loop

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/testutil"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// door is a world whose loop accepts: the listener and the connections are real.
type door struct {
	*world
	accepted  []int         // their descriptors, in the order of their acceptance
	source    string        // of the clients to come
	waited    time.Duration // before they were accepted
	acceptErr error
	given     []int // descriptors of the starts
	copies    int   // that the workers have of them
	clients   []int
	files     int // open before
}

func newDoor(t *testing.T, limit int) *door {
	t.Helper()
	cfg := policy.Config{Limit: limit, ThrottleDelay: time.Second, IgnoreUnknownExit: true, Extensions: policy.Extensions{
		WarnAlways: true, Retire: true, NoRetireSignal: true, ThrottleMax: time.Minute, StopTimeout: 30 * time.Second,
		PerConnection: true, ExecFailed: 203, TermAtHalf: true, AbortSignal: 15, AbortGrace: 5 * time.Second,
	}}
	d := &door{world: newWorld(t, cfg)}
	d.files = len(testutil.Files())
	if err := unix.SetNonblock(d.listener, true); err != nil {
		t.Fatal(err)
	}
	l, start := d.loop, d.loop.seams.Start
	l.cfg.PerConnection = true
	l.seams.Accept = d.acceptOne
	l.seams.Start = func(generation uint64, stress bool, _ int, c *spawn.Conn) (spawn.Process, error) {
		if c == nil {
			t.Fatal("a start without a connection")
		}
		p, err := start(generation, stress, -1, c)
		if err == nil {
			d.given = append(d.given, c.FD)
			d.copies++
			dup, err := unix.FcntlInt(uintptr(c.FD), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Close(dup) })
		}
		return p, err
	}
	return d
}

func (d *door) acceptOne(fd int) (spawn.Conn, error) {
	if d.acceptErr != nil {
		return spawn.Conn{}, d.acceptErr
	}
	c, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
	if errors.Is(err, unix.EAGAIN) {
		return spawn.Conn{}, spawn.ErrNoConnection
	}
	d.accepted = append(d.accepted, c)
	return spawn.Conn{FD: c, Address: "192.0.2.1", Port: "9", Source: d.source, Waited: d.waited}, err
}

// come has n clients connect.
func (d *door) come(n int) {
	d.t.Helper()
	addr, err := unix.Getsockname(d.listener)
	if err != nil {
		d.t.Fatal(err)
	}
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Connect(fd, addr)
		}
		if err != nil {
			d.t.Fatal(err)
		}
		d.clients = append(d.clients, fd)
		d.t.Cleanup(func() { _ = unix.Close(fd) })
	}
}

// waiting is how many clients the kernel holds.
func (d *door) waiting() int {
	n, _ := d.loop.sockets.waiting()
	return n
}

// isClosed reports whether a client has lost its connection.
func (d *door) isClosed(i int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(d.clients[i]), Events: unix.POLLIN}}, 0)
	return err == nil && n == 1
}

// allClosed: the loop keeps no connection of which the worker has its own copy,
// nor one that it has refused.
func (d *door) allClosed() {
	d.t.Helper()
	kept := len(testutil.Files()) - d.files - len(d.clients) - d.copies - len(d.loop.procs)
	kept -= len(d.loop.clients.kept)
	for _, p := range d.loop.starts.underWay {
		if p.conn != nil {
			kept--
		}
	}
	if kept != 0 {
		d.t.Errorf("%d descriptors too many", kept)
	}
}

// TestAccept: connections are taken while the limit allows one more, and the
// rest waits in the kernel.
func TestAccept(t *testing.T) {
	d := newDoor(t, 3)
	d.turn()
	d.come(5)
	d.turn()
	if len(d.starts) != 3 || d.waiting() != 2 || !slices.Equal(d.given, d.accepted) {
		t.Fatalf("starts %v with %v of %v, %d wait; want 3 and 2", d.starts, d.given, d.accepted, d.waiting())
	}
	d.allClosed()
	if c := d.condition(); c.Busy != 3 || !c.Full {
		t.Errorf("%+v", c)
	}
	d.die(102, policy.End{Code: 255})
	d.turn()
	if c := d.condition(); len(d.starts) != 4 || d.waiting() != 1 || c.Counters.Requests != 1 || c.Throttled {
		t.Errorf("starts %v, %d wait, %+v", d.starts, d.waiting(), c)
	}
	if strings.Contains(d.logged.String(), "exit_status=255") {
		t.Errorf("how a session ends is its client's doing: %s", &d.logged)
	}
	d.allClosed()
	if n := len(d.loop.clients.sources.counts); n != 0 {
		t.Errorf("%d clients without a name are counted", n)
	}
}

// TestAcceptShare: no turn takes more than its share, and none is forgotten.
func TestAcceptShare(t *testing.T) {
	d := newDoor(t, 0)
	d.come(50)
	for turns := 0; len(d.starts) < 50; turns++ {
		starts, accepted := len(d.starts), len(d.accepted)
		if err := d.loop.turn(); err != nil || turns > 20 {
			t.Fatalf("%v; %d starts after %d turns", err, len(d.starts), turns)
		}
		if n := len(d.starts) - starts; n > maxStarts {
			t.Fatalf("%d starts in one turn", n)
		}
		if n := len(d.accepted) - accepted; n > maxAccepts {
			t.Fatalf("%d accepted in one turn", n)
		}
		d.allClosed()
		if n := len(d.accepted) - len(d.starts); n > 1 {
			t.Fatalf("%d connections wait here for a worker, and not in the kernel", n)
		}
	}
	d.turn()
	if !slices.Equal(d.given, d.accepted) {
		t.Errorf("starts with %v, accepted %v", d.given, d.accepted)
	}
	d.allClosed()
}

// TestAcceptTurnAwayShare: those that are turned away cost a turn their share too.
func TestAcceptTurnAwayShare(t *testing.T) {
	d := newDoor(t, 0)
	d.source, d.loop.clients.sources.most = "192.0.2.1", 1
	d.come(60)
	if err := d.loop.turn(); err != nil || len(d.accepted) != maxAccepts {
		t.Errorf("%d accepted in one turn (%v), want %d", len(d.accepted), err, maxAccepts)
	}
	d.turn()
	if len(d.accepted) != 60 || d.loop.tally.Rejected.Connections != 59 {
		t.Errorf("accepted %d, turned away %d", len(d.accepted), d.loop.tally.Rejected.Connections)
	}
}

// TestFaultySession: a command at fault costs the connection of the start that has
// found that out, and no other.
func TestFaultySession(t *testing.T) {
	d := newDoor(t, 5)
	d.fail = CommandFault{errors.New("worker command /x: no such file or directory")}
	d.come(3)
	d.turn()
	if !d.isClosed(0) || d.isClosed(1) || d.waiting() != 2 || !d.condition().Throttled {
		t.Errorf("closed %t %t, %d wait, %+v", d.isClosed(0), d.isClosed(1), d.waiting(), d.condition())
	}
	if c := d.condition().Counters; c.SpawnFailures != 1 {
		t.Errorf("%+v", c)
	}
	if line := d.loop.line.compose(); !strings.Contains(line, "THROTTLED until") || !strings.Contains(line, "no such file") {
		t.Error(line)
	}
	d.allClosed()
	d.fail = nil
	d.after(time.Second)
	if len(d.starts) != 2 || d.waiting() != 0 {
		t.Errorf("after the pause: starts %v, %d wait", d.starts, d.waiting())
	}
}

// TestNoDescriptors: what cannot be accepted waits, and does not wake anybody
// until the pause is over or a session has ended.
func TestNoDescriptors(t *testing.T) {
	d := newDoor(t, 0)
	d.come(1)
	d.turn()
	d.acceptErr = os.NewSyscallError("accept4", unix.EMFILE)
	d.come(2)
	d.turn() // fails when it spins
	if d.ready() || d.waiting() != 2 || !d.condition().Throttled {
		t.Errorf("ready %t, %d wait, %+v", d.ready(), d.waiting(), d.condition())
	}
	if line := d.loop.line.compose(); !strings.Contains(line, "too many open files") {
		t.Error(line)
	}
	d.after(time.Second) // still none
	if c := d.condition(); !c.Throttled || c.ThrottledUntil > d.now+time.Second {
		t.Errorf("%+v", c)
	}
	d.acceptErr = nil
	d.die(101, policy.End{})
	d.turn()
	if d.isClosed(1) || d.isClosed(2) || d.waiting() != 0 || len(d.starts) != 3 {
		t.Errorf("nobody was to lose a connection: closed %t %t, %d wait, starts %v", d.isClosed(1), d.isClosed(2), d.waiting(), d.starts)
	}
}

// TestMaxPerSource: who has enough is turned away, others are not, and one that
// ends makes room.
func TestMaxPerSource(t *testing.T) {
	d := newDoor(t, 0)
	d.loop.clients.sources.most = 2
	d.source = "192.0.2.1"
	d.come(5)
	d.turn()
	if len(d.starts) != 2 || d.loop.tally.Rejected.Connections != 3 || !d.isClosed(2) || !d.isClosed(4) || d.isClosed(1) {
		t.Fatalf("starts %v, rejected %d", d.starts, d.loop.tally.Rejected.Connections)
	}
	if s := d.loop.shown.snapshot(); s.Counters.RejectedConnections != 3 {
		t.Errorf("%+v", s.Counters)
	}
	if n := d.said(event.SourceFull, "client=192.0.2.1", "most=2"); n != 3 {
		t.Errorf("told %d times: %s", n, &d.logged)
	}
	d.source = "192.0.2.2"
	d.come(1)
	d.turn()
	if len(d.starts) != 3 {
		t.Error("another client is turned away too")
	}
	d.die(101, policy.End{})
	d.turn()
	d.source = "192.0.2.1"
	d.come(2)
	d.turn()
	if len(d.starts) != 4 || d.loop.tally.Rejected.Connections != 4 {
		t.Errorf("after one end: starts %v, rejected %d", d.starts, d.loop.tally.Rejected.Connections)
	}
	for _, pid := range []int{102, 103, 104} {
		d.die(pid, policy.End{})
	}
	d.turn()
	if len(d.loop.clients.sources.counts) != 0 {
		t.Errorf("nobody is left, but %v is counted", d.loop.clients.sources.counts)
	}
	d.allClosed()
}

// TestRefusedSource: a start that was refused is no connection of its client.
func TestRefusedSource(t *testing.T) {
	d := newDoor(t, 0)
	d.source, d.loop.clients.sources.most = "192.0.2.1", 1
	d.fail = CommandFault{errors.New("refused")}
	d.come(1)
	d.turn()
	d.fail = nil
	d.after(time.Second)
	d.come(1)
	d.turn()
	if len(d.starts) != 1 || d.loop.tally.Rejected.Connections != 0 {
		t.Errorf("starts %v, rejected %d", d.starts, d.loop.tally.Rejected.Connections)
	}
}

// TestReloadMaxPerSource: the number can change while sessions run.
func TestReloadMaxPerSource(t *testing.T) {
	d := newDoor(t, 0)
	d.source = "192.0.2.1"
	d.come(2)
	d.turn()
	d.settings = func() (Settings, error) { return Settings{Policy: d.loop.cfg.Policy, MaxPerSource: 1}, nil }
	d.loop.Signal(unix.SIGHUP)
	d.turn()
	if len(d.signals) != 0 || d.said(event.ReloadedSessions) != 1 {
		t.Errorf("a reload leaves sessions alone: %q %s", d.signals, &d.logged)
	}
	d.come(1)
	d.turn()
	if len(d.starts) != 2 || !d.isClosed(2) {
		t.Errorf("starts %v", d.starts)
	}
}

// TestPostponedSession: a start that its turn had no room for keeps its
// connection, whatever comes between: a stop, or another program in our place.
func TestPostponedSession(t *testing.T) {
	postponed := func() *door {
		d := newDoor(t, 0)
		d.come(maxStarts + 1)
		if err := d.loop.turn(); err != nil || d.loop.starts.postponed == nil {
			t.Fatalf("%d starts, none is postponed (%v)", len(d.starts), err)
		}
		return d
	}
	d := postponed()
	d.loop.Signal(unix.SIGTERM)
	d.turn()
	if len(d.starts) != maxStarts+1 || d.isClosed(maxStarts) {
		t.Errorf("%d starts before a stop", len(d.starts))
	}
	d.allClosed()

	d = postponed()
	d.loop.upgrade.running = true
	d.loop.upgrade.tried(nil)
	d.turn()
	if len(d.handed) != maxStarts+1 || d.isClosed(maxStarts) {
		t.Errorf("%d workers are handed over, want %d", len(d.handed), maxStarts+1)
	}
	d.allClosed()
}

// TestStopSessions: they are left alone for half of the time.
func TestStopSessions(t *testing.T) {
	d := newDoor(t, 0)
	d.come(2)
	d.turn()
	d.loop.Signal(unix.SIGTERM)
	d.turn()
	d.come(1)
	d.after(14 * time.Second)
	if len(d.signals) != 0 || len(d.starts) != 2 {
		t.Fatalf("signals %q, starts %v", d.signals, d.starts)
	}
	d.after(time.Second)
	if !slices.Equal(d.signals, []string{"101 SIGTERM true", "102 SIGTERM true"}) {
		t.Errorf("signals %q", d.signals)
	}
	d.after(15 * time.Second)
	if n := len(d.signals); n != 4 || d.signals[3] != "102 SIGKILL true" {
		t.Errorf("signals %q", d.signals)
	}
}

// TestCausesOfSessions are told in words.
func TestCausesOfSessions(t *testing.T) {
	d := newDoor(t, 0)
	d.come(1)
	d.turn()
	d.die(101, policy.End{Code: 203})
	d.turn()
	if line := d.loop.line.compose(); !isReason(d.loop.facts.throttle, event.ExecFailed) || !strings.Contains(line, d.loop.facts.throttle.Error()) {
		t.Error(line)
	}
	d.after(time.Second)
	d.come(11)
	d.turn()
	for pid := 102; pid <= 112; pid++ {
		d.die(pid, policy.End{Signal: 11})
	}
	d.turn()
	if line := d.loop.line.compose(); !isReason(d.loop.facts.throttle, event.BadEnds) || !strings.Contains(line, "SIGSEGV") {
		t.Error(line)
	}
}
