package loop

import (
	"bufio"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// rung is a set with a bell that has been rung.
func rung(t testing.TB) (*epoll, bell) {
	t.Helper()
	e, err := newEpoll()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.close)
	b, err := newBell()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(b.fd) })
	if err := e.add(b.fd, unix.EPOLLIN, kindBell); err != nil {
		t.Fatal(err)
	}
	b.ring()
	return e, b
}

// onlyTimer reports whether nothing but the deadline ended a wait.
func onlyTimer(found []unix.EpollEvent) bool {
	return len(found) == 1 && kind(found[0].Pad) == kindTimer
}

// TestParkDeadline: a deadline is kept, however short it is, and never early.
func TestParkDeadline(t *testing.T) {
	e, b := rung(t)
	b.hush()
	for _, deadline := range []time.Duration{1, time.Microsecond, 1500 * time.Microsecond, 20 * time.Millisecond} {
		began := time.Now()
		found, err := e.wait(deadline)
		if took := time.Since(began); err != nil || !onlyTimer(found) || took < deadline {
			t.Errorf("%v: found %v, %v after %v", deadline, found, err, took)
		}
	}
	if found, err := e.wait(0); err != nil || len(found) != 0 {
		t.Errorf("no time: found %v, %v", found, err)
	}
}

// TestParkTakenBack: a deadline that is none any more wakes nobody.
func TestParkTakenBack(t *testing.T) {
	e, b := rung(t)
	b.hush()
	parked, woken := make(chan struct{}), make(chan int)
	look := e.look
	e.look = func(fd uintptr) bool {
		done := look(fd)
		if !done {
			parked <- struct{}{}
		}
		return done
	}
	for _, timeout := range []time.Duration{time.Hour, -1} {
		go func() {
			found, _ := e.wait(timeout)
			woken <- len(found)
		}()
		<-parked
		var left unix.ItimerSpec
		if err := unix.TimerfdGettime(e.timer, &left); err != nil || (left.Value.Sec > 0) != (timeout > 0) {
			t.Errorf("parked for %v: the timer has %v, %v", timeout, left.Value, err)
		}
		b.ring()
		for done := false; !done; { // the poller may have woken it for nothing
			select {
			case <-parked:
			case n := <-woken:
				done = n == 1
			}
		}
		b.hush()
	}
}

// TestParkMissesNothing: whenever the bell is rung, before, while, or after the loop
// goes to sleep, it is heard; and none of it allocates.
func TestParkMissesNothing(t *testing.T) {
	e, b := rung(t)
	b.hush()
	ask, heard := make(chan bool), make(chan bool)
	defer close(ask)
	go func() {
		for range ask {
			b.ring()
			<-heard
		}
	}()
	const runs = 5000
	if n := testing.AllocsPerRun(runs, func() {
		ask <- true
		if found, err := e.wait(time.Minute); err != nil || len(found) != 1 || kind(found[0].Pad) != kindBell {
			t.Fatalf("found %v, %v, want the bell", found, err)
		}
		b.hush()
		heard <- true
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestPoller: a loop that never sleeps again does not keep others from being woken by
// the runtime's poller.
func TestPoller(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	always, begin := rawPipe(t) // by which another process wakes the loop, when all else is asleep
	if err := w.loop.epoll.add(always, unix.EPOLLIN, kindBell); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "sleep 0.1; echo >&3; while sleep 0.01; do echo still here; done")
	cmd.ExtraFiles = []*os.File{begin}
	lines, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var quit atomic.Bool
	spins, began := make(chan struct{}), time.Now()
	go func() {
		defer close(spins)
		for !quit.Load() {
			if _, err := w.loop.epoll.wait(-1); err != nil {
				t.Error(err)
				return
			}
			w.loop.now = policy.Instant(time.Since(began))
			w.loop.giveSign()
		}
	}()
	in := bufio.NewScanner(lines)
	for range 50 {
		if !in.Scan() {
			t.Fatal(in.Err())
		}
	}
	quit.Store(true)
	<-spins
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// rawPipe has its end for reading not in Go's poller.
func rawPipe(t *testing.T) (r int, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	w = os.NewFile(uintptr(fds[1]), "pipe")
	t.Cleanup(func() { _, _ = unix.Close(fds[0]), w.Close() })
	return fds[0], w
}

// BenchmarkPark is what it costs to go to sleep and be woken, here by a thread that
// rings the bell and waits for its turn.
func BenchmarkPark(b *testing.B) {
	e, bell := rung(b)
	bell.hush()
	back := eventfd(b)
	if err := unix.SetNonblock(back, false); err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	n := b.N
	go func() {
		defer close(done)
		var buf [8]byte
		for range n {
			bell.ring()
			_, _ = unix.Read(back, buf[:])
		}
	}()
	b.ReportAllocs()
	b.ResetTimer()
	for range n {
		if _, err := e.wait(time.Minute); err != nil {
			b.Fatal(err)
		}
		bell.hush()
		one := [8]byte{1}
		_, _ = unix.Write(back, one[:])
	}
	<-done
}
