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

func TestDemand(t *testing.T) {
	w := newWorld(t, daemonRules(2))
	w.turn()
	if len(w.starts) != 0 {
		t.Fatal("a worker was started without a connection")
	}
	w.connect()
	w.turn()
	if !slices.Equal(w.starts, []uint64{1}) {
		t.Fatalf("starts %v after one connection, want one", w.starts)
	}
	w.accept()
	w.says(101, report.Busy)
	w.connect()
	w.turn()
	w.accept()
	w.says(102, report.Busy)
	w.connect() // at the limit: it waits, and wakes nobody
	w.turn()
	if len(w.starts) != 2 || w.said(event.Full, "limit=2") != 1 {
		t.Errorf("starts %v, log %s", w.starts, &w.logged)
	}
	w.says(101, report.Idle)
	if c := w.condition(); c.Busy != 1 || c.Idle != 1 || c.Counters.Requests != 1 {
		t.Errorf("%+v", c)
	}
}

// TestWaitingConnectionDoesNotSpin: while a worker is on its way, the
// connection that caused it stays readable.
func TestWaitingConnectionDoesNotSpin(t *testing.T) {
	for _, starting := range []int{1, 8} {
		cfg := daemonRules(10)
		cfg.MaxStarting = starting
		w := newWorld(t, cfg)
		for range 3 {
			w.connect()
		}
		w.turn() // fails when it spins
		if want := min(starting, 3); len(w.starts) != want {
			t.Errorf("max-starting %d: %d starts for 3 connections, want %d", starting, len(w.starts), want)
		}
	}
}

// TestStartsAreSpread: no turn has more than its share, and none is forgotten.
func TestStartsAreSpread(t *testing.T) {
	cfg := daemonRules(0)
	cfg.MaxStarting = 40
	w := newWorld(t, cfg)
	for range 40 {
		w.connect()
	}
	if err := w.loop.turn(); err != nil {
		t.Fatal(err)
	}
	if len(w.starts) != maxStarts {
		t.Errorf("%d starts in one turn, want %d", len(w.starts), maxStarts)
	}
	w.turn()
	if len(w.starts) != 40 {
		t.Errorf("%d starts, want 40", len(w.starts))
	}
}

// TestReportBeforeSocket: a worker that became idle in the same turn spares a
// start; the event of the batch is stale.
func TestReportBeforeSocket(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	w.connect()
	w.report(report.Message{PID: 101, Avail: report.Idle, Jobs: -1, Done: -1})
	w.turn()
	if len(w.starts) != 1 {
		t.Errorf("%d starts, want 1: the idle worker takes the connection", len(w.starts))
	}
}

// TestLastWords: what a worker said before its end counts, whatever the order
// in which the kernel shows the two.
func TestLastWords(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	w.report(report.Message{PID: 101, Avail: report.Busy, Jobs: -1, Done: -1})
	w.report(report.Message{PID: 101, Avail: report.Idle, Jobs: -1, Done: -1})
	w.die(101, policy.End{Code: 1})
	w.turn()
	if c := w.condition(); c.Counters.Requests != 1 || c.Throttled || c.Total != 0 {
		t.Errorf("its finished job is lost: %+v", c)
	}
}

// TestUnreadReportsOfTheDead: while datagrams are left in the socket, a new worker
// of the same pid is not taken for their sender.
func TestUnreadReportsOfTheDead(t *testing.T) {
	cfg := daemonRules(5)
	cfg.QuickExit = 0
	w := newWorld(t, cfg)
	w.connect()
	w.turn()
	for range maxReports {
		w.report(report.Message{PID: 9999, Jobs: -1, Done: -1, Ready: true})
	}
	w.report(report.Message{PID: 101, Avail: report.Busy, Jobs: -1, Done: -1})
	w.die(101, policy.End{})
	if err := w.loop.turn(); err != nil {
		t.Fatal(err)
	}
	if !w.loop.reports.endedPIDs[101] {
		t.Fatal("the pid may be matched again before its reports are read")
	}
	w.loop.seams.Start = func(uint64, bool, int, *spawn.Conn) (spawn.Process, error) { // of the same pid
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		return spawn.Process{PID: 101, FD: fd}, err
	}
	w.loop.apply(w.loop.policy.Connection(w.now, 1))
	w.turn()
	if c := w.condition(); c.Total != 1 || c.Busy != 0 {
		t.Errorf("its successor is taken for it: %+v", c)
	}
	if len(w.loop.reports.endedPIDs) != 0 || w.loop.tally.Rejected.Reports != maxReports+1 {
		t.Errorf("gone %v, rejected %d", w.loop.reports.endedPIDs, w.loop.tally.Rejected.Reports)
	}
}

func TestReportFlood(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	for range 3 * maxReports {
		w.queue = append(w.queue, report.Message{PID: 4242, Ready: true, Jobs: -1, Done: -1})
	}
	w.connect()
	w.report(report.Message{PID: 4242, Malformed: "empty"})
	if err := w.loop.turn(); err != nil {
		t.Fatal(err)
	}
	if len(w.starts) != 1 {
		t.Error("a flood of reports keeps the connection waiting")
	}
	w.turn()
	if n := w.said(event.StrangerRejected); n != 1 {
		t.Errorf("strangers were logged %d times", n)
	}
}

func TestSenders(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	p := w.loop.procs[101]
	p.inode = 77
	for _, c := range []struct {
		name string
		m    report.Message
		all  bool
		want *proc
	}{
		{"worker", report.Message{PID: 101, Inode: 77}, false, p},
		{"kernel cannot tell", report.Message{PID: 101}, false, p},
		{"pid was given away", report.Message{PID: 101, Inode: 78}, false, nil},
		{"stranger", report.Message{PID: 5}, false, nil},
		{"outside the namespace", report.Message{}, true, nil},
		{"descendant, main", report.Message{PID: 1101}, false, nil},
		{"descendant, all", report.Message{PID: 1101}, true, p},
	} {
		w.loop.cfg.DescendantsReport = c.all
		if got := w.loop.reports.sender(&c.m); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestRefusedStart(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.fail = errors.New("worker command /x: no such file or directory")
	w.connect()
	w.turn()
	if !w.condition().Throttled || !strings.Contains(w.lines[len(w.lines)-1], "THROTTLED until") ||
		!strings.Contains(w.lines[len(w.lines)-1], "no such file") {
		t.Errorf("lines %q", w.lines)
	}
	w.fail = nil
	w.after(time.Second)
	if len(w.starts) != 1 || w.condition().Throttled {
		t.Errorf("after the pause: starts %v, %+v", w.starts, w.condition())
	}
}

// TestStatusLine: conditions are told at once, numbers every five seconds.
func TestStatusLine(t *testing.T) {
	w := newWorld(t, daemonRules(1))
	if got := w.loop.line.compose(); got != "0 busy, 0 idle, limit 1 | queue 0 | 0 requests" {
		t.Errorf("got %q", got)
	}
	w.now += linePeriod
	w.connect()
	w.turn()
	w.accept()
	n := len(w.lines)
	w.says(101, report.Busy)
	if s := w.loop.shown.snapshot(); s.Listening {
		t.Error("listening although the pool is full")
	}
	if len(w.lines) != n+1 || !strings.Contains(w.lines[n], "1 busy, 0 idle, limit 1 | queue 0 | 0 requests | FULL since ") {
		t.Fatalf("full is not told at once: %q", w.lines)
	}
	for range 100 { // saturated: an instant of freedom after each request
		w.says(101, report.Idle)
		w.says(101, report.Busy)
	}
	if len(w.lines) != n+1 {
		t.Errorf("%d lines for 100 requests, want none", len(w.lines)-n-1)
	}
	w.after(linePeriod)
	if len(w.lines) != n+2 || !strings.Contains(w.lines[n+1], "100 requests") {
		t.Errorf("numbers after five seconds: %q", w.lines[n+1:])
	}
	w.says(101, report.Idle)
	w.after(fullPeriod)
	if last := w.lines[len(w.lines)-1]; strings.Contains(last, "FULL") {
		t.Errorf("still %q", last)
	}
	if w.said(event.FullEnds) != 1 {
		t.Errorf("log: %s", &w.logged)
	}
}

// TestNumbersAreToldInTime: without any other event, too.
func TestNumbersAreToldInTime(t *testing.T) {
	w := newWorldAfter(t, daemonRules(5), left(t, 1, true))
	w.says(101, report.Idle)
	w.says(101, report.Busy)
	if d := w.loop.timeout(); d <= 0 || d > linePeriod {
		t.Errorf("they are told in %v", d)
	}
}

// TestIdleHasNoDeadline: nothing to do, no wake-up.
func TestIdleHasNoDeadline(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.turn()
	w.after(time.Minute)
	if d := w.loop.timeout(); d >= 0 {
		t.Errorf("an idle loop would wake after %v", d)
	}
	w.loop.cfg.Watchdog = 10 * time.Second
	w.loop.watchdog.start()
	w.turn()
	if w.beats != 1 || w.loop.timeout() != 10*time.Second {
		t.Errorf("%d beats, next in %v", w.beats, w.loop.timeout())
	}
}

func TestDrain(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	if !slices.Equal(w.signals, []string{"101 SIGTERM false"}) || !strings.Contains(w.told[0], "STOPPING") ||
		!strings.HasSuffix(w.told[0], "| draining") {
		t.Fatalf("signals %q, told %q", w.signals, w.told)
	}
	w.connect()
	w.loop.Signal(unix.SIGHUP)
	w.turn()
	if len(w.starts) != 1 || w.said(event.ReloadIgnored) != 1 {
		t.Errorf("starts %v while draining; %s", w.starts, &w.logged)
	}
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	if w.signals[len(w.signals)-1] != "101 SIGKILL true" {
		t.Errorf("signals %q", w.signals)
	}
	w.die(101, policy.End{Signal: 9})
	if err := w.loop.turn(); err != nil || !w.loop.done {
		t.Errorf("done %t, %v", w.loop.done, err)
	}
	if last := w.lines[len(w.lines)-1]; !strings.HasPrefix(last, "0 busy, 0 idle, limit 5 |") || strings.Contains(last, "draining") {
		t.Errorf("what stays in systemctl status is %q", last)
	}
}

// TestDrainAsksAgain: a service manager that is reloaded forgets how long it is to
// wait.
func TestDrainAsksAgain(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	w.after(time.Hour)
	if len(w.told) != 0 {
		t.Fatalf("told %q", w.told)
	}
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	for i := 1; i <= 3; i++ {
		if len(w.told) != i || !strings.HasPrefix(w.told[i-1], "STOPPING 0 busy, 0 idle, 1 retiring") || w.loop.timeout() > extendPeriod {
			t.Fatalf("told %q, next turn in %v", w.told, w.loop.timeout())
		}
		w.after(extendPeriod)
	}
	w.die(101, policy.End{})
	w.turn()
	if len(w.told) != 4 || !w.loop.done {
		t.Errorf("told %q, done %t", w.told, w.loop.done)
	}
}

func TestReload(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Idle)
	w.after(2 * time.Second)
	w.settings = func() (Settings, error) { return Settings{}, errors.New("/etc/x.conf:3: limt: unknown option") }
	w.loop.Signal(unix.SIGHUP)
	w.turn()
	if !strings.Contains(w.loop.line.compose(), "RELOAD FAILED: /etc/x.conf:3") || len(w.signals) != 0 ||
		!strings.HasPrefix(w.told[len(w.told)-1], "READY") {
		t.Errorf("%s; signals %v, told %q", w.loop.line.compose(), w.signals, w.told)
	}
	cfg := daemonRules(7)
	w.settings = func() (Settings, error) {
		return Settings{Policy: cfg, RetireSignal: unix.SIGUSR1, Ceilings: []event.Line{event.LimitTasks.With(event.Reachable(6), event.Limit(7))}}, nil
	}
	outcome := make(chan Outcome, 1)
	go func() { o, _ := w.loop.Reload(context.Background(), ""); outcome <- o }()
	waitWake(t, w)
	w.turn()
	select {
	case o := <-outcome:
		if o.Err != nil || o.Replaced != 1 {
			t.Errorf("outcome %+v", o)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no outcome")
	}
	if !slices.Equal(w.told[len(w.told)-2:], []string{"RELOADING", "READY " + w.loop.line.compose()}) {
		t.Errorf("the service manager was told %q", w.told)
	}
	if !slices.Equal(w.signals, []string{"101 SIGUSR1 false"}) || !strings.Contains(w.loop.line.compose(), "limit 7") ||
		w.said(event.LimitTasks, "reachable=6") != 1 {
		t.Errorf("signals %q, %s, log %s", w.signals, w.loop.line.compose(), &w.logged)
	}
}

// waitWake waits until another goroutine has woken the loop.
func waitWake(t testing.TB, w *world) {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(w.loop.wake.fd), Events: unix.POLLIN}}, 10_000)
		if n == 1 {
			return
		}
		if !errors.Is(err, unix.EINTR) { // Go interrupts its threads now and then
			t.Fatalf("nobody rang: %d, %v", n, err)
		}
	}
}

func TestAsk(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	w.accept()
	w.report(report.Message{PID: 101, Avail: report.Busy, Jobs: -1, Done: -1, Status: "at work", HasStatus: true})
	w.turn()
	type answer struct {
		total   int
		workers []string
	}
	got := make(chan answer, 1)
	go func() {
		s, _ := w.loop.Ask(context.Background())
		a := answer{total: s.Total}
		for _, k := range s.Workers {
			a.workers = append(a.workers, k.State+" "+k.Status)
		}
		got <- a
	}()
	waitWake(t, w)
	w.turn()
	if a := <-got; a.total != 1 || !slices.Equal(a.workers, []string{"busy at work"}) {
		t.Errorf("got %+v", a)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.loop.Ask(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("asked in vain: %v", err)
	}
}

// TestRemovedBeforeClosed: after a worker's end its descriptor is neither in
// the set nor open.
func TestRemovedBeforeClosed(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	fd := w.pids[101]
	other, err := unix.Dup(fd) // somebody else keeps it alive, as systemd's store does
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(other) }()
	w.accept()
	w.says(101, report.Busy)
	w.die(101, policy.End{})
	w.turn() // a ghost would spin
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("the pidfd is still open: %v", err)
	}
	if w.ready() {
		t.Error("a ghost is in the epoll set")
	}
}

// TestFlushRetry: what systemd had no room for is sent again.
func TestFlushRetry(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	w.leftover = true
	w.loop.Signal(unix.SIGWINCH)
	w.turn()
	if d := w.loop.timeout(); d != retryPeriod {
		t.Errorf("retry in %v", d)
	}
	w.leftover = false
	w.after(retryPeriod)
	if d := w.loop.timeout(); d >= 0 {
		t.Errorf("still a deadline: %v", d)
	}
}
