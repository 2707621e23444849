package loop

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// TestLively: many turns near to each other make a lively loop, and some that are not
// end that.
func TestLively(t *testing.T) {
	var p pace
	var now policy.Instant
	turns := func(n int, gap time.Duration) bool {
		for range n {
			p.turn(now, now+gap)
			now += gap
		}
		return p.lively()
	}
	for i, step := range []struct {
		n    int
		gap  time.Duration
		want bool
	}{
		{manyNear - 1, near - 1, false},
		{1, near - 1, true},
		{1, near, false},
		{100, near - 1, true},
		{1, near, true},
		{1, near, false},
	} {
		if got := turns(step.n, step.gap); got != step.want {
			t.Errorf("step %d: lively is %t", i, got)
		}
	}
	for range 100 {
		turns(1, near/2)
		if turns(1, near) {
			t.Fatal("lively with as many far as near")
		}
	}
}

// TestShortWait: a lively wait finds what is ready, and keeps a deadline.
func TestShortWait(t *testing.T) {
	e, b := wokenEpoll(t)
	if found, err := e.wait(-1, true, clock()); err != nil || len(found) != 1 || kind(found[0].Pad) != kindWake {
		t.Errorf("found %v, %v, want the wake event", found, err)
	}
	b.clear()
	const deadline = 4 * shortWait
	began := time.Now()
	found, err := e.wait(deadline, true, clock())
	if took := time.Since(began); err != nil || len(found) != 0 || took < deadline {
		t.Errorf("found %v, %v after %v", found, err, took)
	}
}

// clock is a real one.
func clock() func() policy.Instant {
	began := time.Now()
	return func() policy.Instant { return time.Since(began) }
}

// wokenEpoll is a set whose wake event is pending.
func wokenEpoll(t *testing.T) (*epoll, wakeEvent) {
	t.Helper()
	e, err := newEpoll()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.close() })
	b, err := newWakeEvent()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(b.fd) })
	if err := e.add(b.fd, unix.EPOLLIN, kindWake); err != nil {
		t.Fatal(err)
	}
	b.wake()
	return e, b
}

// TestShortWaitYields: other goroutines run beside a loop that is lively all the time, on
// one processor, too.
func TestShortWaitYields(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	e, _ := wokenEpoll(t)
	ran := make(chan struct{})
	go func() {
		runtime.GC()
		close(ran)
	}()
	for over := time.Now().Add(30 * time.Second); ; {
		if found, err := e.wait(time.Minute, true, clock()); err != nil || len(found) != 1 {
			t.Fatalf("found %v, %v, want the wake event", found, err)
		}
		select {
		case <-ran:
			return
		default:
		}
		if time.Now().After(over) {
			t.Fatal("the other goroutine has not run")
		}
	}
}
