package loop

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
)

// A waiting is a worker that waits for a connection as the examples do, in a goroutine of
// this process: the kernel counts sets, not processes.
type waiting struct {
	t     *testing.T
	set   *epoll
	take  chan struct{} // has room: it may be told before
	taken chan struct{}
}

// newWaiting registers the listener.
func newWaiting(t *testing.T, w *world) *waiting {
	t.Helper()
	set, err := newEpoll()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.close() })
	if err := set.add(w.listener, unix.EPOLLIN|unix.EPOLLEXCLUSIVE, kindSocket); err != nil {
		t.Fatal(err)
	}
	return &waiting{t, set, make(chan struct{}, 1), make(chan struct{}, 1)}
}

// wait has it wait for a connection, which it takes when it is told to, and returns once it
// does wait.
func (x *waiting) wait(w *world) {
	tid := make(chan int, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		tid <- unix.Gettid()
		if n, err := x.set.pwait(20*time.Second, unix.Syscall6); n != 1 || err != nil {
			x.t.Errorf("a worker that waits finds %d, %v", n, err)
		}
		<-x.take
		fd, _, err := unix.Accept(w.listener)
		if err != nil {
			x.t.Error(err)
		}
		_ = unix.Close(fd)
		x.taken <- struct{}{}
	}()
	awaitSleep(x.t, <-tid)
}

// awaitSleep returns when a thread waits in an epoll set.
func awaitSleep(t *testing.T, tid int) {
	t.Helper()
	for over := time.Now().Add(20 * time.Second); time.Now().Before(over); runtime.Gosched() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", tid))
		if err != nil {
			t.Fatal(err)
		}
		for _, number := range []int{unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_PWAIT2} {
			if strings.HasPrefix(string(text), fmt.Sprint(number, " ")) {
				return
			}
		}
	}
	t.Fatal("a worker does not come to wait")
}

// resting is a pool below its limit with one idle worker and reports that come often, so
// that they are left unread.
func resting(t *testing.T) *world {
	t.Helper()
	cfg := daemonRules(9)
	cfg.StallGuard = 0 // which looks at some connections, too
	w := newWorld(t, cfg)
	w.loop.cfg.ReportQueue = 512
	for i := range 2 {
		w.connect()
		w.turn()
		w.accept()
		w.says(101+i, report.Busy)
	}
	for range 40 {
		w.now += 10 * time.Millisecond
		for range 3 {
			w.report(report.Message{PID: 101, Avail: report.Idle, Jobs: -1, Done: -1})
			w.report(report.Message{PID: 101, Avail: report.Busy, Jobs: -1, Done: -1})
		}
		w.report(report.Message{PID: 102, Avail: report.Idle, Jobs: -1, Done: -1})
		w.after(mostHeard)
	}
	if w.loop.reports.batches.until != w.now+mostHeard || !w.loop.sockets.untaken.watched {
		t.Fatalf("reports are not left for long: %+v, %+v", w.loop.reports.batches, w.loop.sockets.untaken)
	}
	return w
}

// TestUntaken: while reports are left unread, a connection that a worker takes wakes
// nobody, and one for which none waits has a worker started at once.
func TestUntaken(t *testing.T) {
	w := resting(t)
	a := newWaiting(t, w)
	if !w.loop.sockets.standLast() {
		t.Fatal("the sockets cannot be put behind a worker")
	}
	const rounds, interrupted = 20, 5 // a signal of Go's scheduler ends a wait for a moment
	woken := 0
	for range rounds {
		a.wait(w)
		w.connect()
		if w.ready() {
			woken++
			_, _ = w.loop.epoll.look()
		}
		a.take <- struct{}{}
		<-a.taken
	}
	if woken > interrupted {
		t.Fatalf("%d of %d connections for which a worker waits wake the loop", woken, rounds)
	}
	before := len(w.starts)
	w.report(report.Message{PID: 102, Avail: report.Busy, Jobs: -1, Done: -1})
	if w.ready() {
		t.Fatal("a report wakes the loop")
	}
	w.connect()
	w.turn()
	if len(w.starts) != before+1 {
		t.Errorf("%d starts for a connection that nobody takes", len(w.starts)-before)
	}
	if w.loop.reports.batches.until != 0 || w.loop.sockets.untaken.watched {
		t.Errorf("reports are still left unread: %+v, %+v", w.loop.reports.batches, w.loop.sockets.untaken)
	}
}

// TestUntakenIsLast: a worker that came later is not stood in the way of: it gets the
// connection although availd is woken, and after that availd stands behind it.
func TestUntakenIsLast(t *testing.T) {
	w := resting(t)
	a := newWaiting(t, w)
	a.wait(w)
	w.connect()
	if !w.ready() {
		t.Fatal("availd stands behind a worker that came later")
	}
	a.take <- struct{}{}
	<-a.taken // so it was woken as well
	w.now += standAgain
	w.connect()
	w.turn()
	w.accept()
	a.wait(w)
	w.connect()
	if w.ready() {
		t.Error("availd does not stand last after a wake-up for nothing")
	}
	a.take <- struct{}{}
	<-a.taken
}

// TestUntakenUseless: where each connection wakes availd although workers are idle, it
// goes back to what it does otherwise, and tries again later.
func TestUntakenUseless(t *testing.T) {
	w := resting(t)
	for n := 0; w.loop.sockets.hearsUntaken(); n++ {
		if n > mostUseless {
			t.Fatalf("still heard after %d wake-ups for nothing", n)
		}
		for _, a := range []report.Availability{report.Busy, report.Idle} {
			w.report(report.Message{PID: 102, Avail: a, Jobs: -1, Done: -1})
		}
		w.connect()
		w.turn()
		w.accept()
	}
	if w.loop.sockets.untaken.watched || w.loop.reports.batches.until > w.now+mostBelow {
		t.Errorf("watched, or reports are left for long: %+v, %+v", w.loop.reports.batches, w.loop.sockets.untaken)
	}
	w.connect()
	w.accept()
	w.after(untakenPause)
	if !w.loop.sockets.hearsUntaken() {
		t.Error("it is not tried again")
	}
}

// TestPrompt: who sends a descriptor along waits until it is closed.
func TestPrompt(t *testing.T) {
	w := resting(t)
	w.report(report.Message{PID: 101, Descriptors: true, Avail: report.Idle, Jobs: -1, Done: -1})
	w.after(mostHeard)
	w.report(report.Message{PID: 101, Descriptors: true, Avail: report.Busy, Jobs: -1, Done: -1})
	if !w.ready() {
		t.Error("a sender of descriptors waits for the end of a batch")
	}
	w.turn()
	w.now += promptPeriod
	for range 20 {
		w.says(102, report.Busy)
		w.says(102, report.Idle)
		w.after(10 * time.Millisecond)
	}
	if w.loop.reports.batches.until == 0 {
		t.Errorf("reports are read at once for ever: %+v", w.loop.reports.batches)
	}
}
