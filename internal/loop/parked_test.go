package loop

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/availd/availd/policy"
)

// parkedEpoll is a set that is in Go's poller, with a wake event that is not pending.
func parkedEpoll(t *testing.T) (*epoll, wakeEvent) {
	t.Helper()
	e, b := wokenEpoll(t)
	b.clear()
	var err error
	if e.parked, err = newParked(e); err != nil {
		t.Fatal(err)
	}
	return e, b
}

// TestParked: a wait in the poller ends at an event that was there before, at one that
// comes, also again and again, and at its deadline; earlier and later deadlines hold.
func TestParked(t *testing.T) {
	e, b := parkedEpoll(t)
	now := clock()
	event := func(what string) {
		t.Helper()
		found, err := e.wait(time.Minute, false, now)
		if err != nil || len(found) != 1 || kind(found[0].Pad) != kindWake {
			t.Fatalf("%s: found %v, %v, want the wake event", what, found, err)
		}
	}
	b.wake()
	event("pending")
	event("still pending")
	for range 100 {
		b.clear()
		go b.wake()
		event("during the wait")
	}
	b.clear()
	for _, d := range []time.Duration{30 * time.Millisecond, time.Millisecond, 50 * time.Millisecond, time.Nanosecond} {
		began := now()
		for now() < began+d { // a timer of the wait before may end this one
			found, err := e.wait(began+d-now(), false, now)
			if err != nil || len(found) > 1 || len(found) == 1 && kind(found[0].Pad) != kindTimer {
				t.Fatalf("%v: found %v, %v", d, found, err)
			}
		}
		if took := now() - began; took > 10*time.Second {
			t.Errorf("a wait for %v took %v", d, took)
		}
	}
}

// TestParkedTimer: a deadline that is further away than the one before leaves the timer
// alone, and each is told once.
func TestParkedTimer(t *testing.T) {
	e, b := parkedEpoll(t)
	var now policy.Instant = 1000
	still := func() policy.Instant { return now }
	b.wake()
	for _, step := range []struct {
		timeout, armed policy.Instant
	}{
		{-1, 0}, {time.Hour, 1000 + time.Hour}, {2 * time.Hour, 1000 + time.Hour}, {-1, 1000 + time.Hour}, {time.Minute, 1000 + time.Minute},
	} {
		if _, err := e.wait(step.timeout, false, still); err != nil || e.parked.armed != step.armed {
			t.Errorf("after a wait for %v: %v, %v, want %v", step.timeout, e.parked.armed, err, step.armed)
		}
	}
	b.clear()
	if _, err := e.wait(time.Millisecond, false, still); err != nil || e.parked.armed != 0 {
		t.Errorf("a timer that has ended counts as set to %v, %v", e.parked.armed, err)
	}
	if found, err := e.look(); err != nil || len(found) != 0 {
		t.Errorf("it is told again: %v, %v", found, err)
	}
}

// TestParkedShares: a loop that waits in the poller takes no thread from other goroutines,
// and its set is closed once.
func TestParkedShares(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	e, b := parkedEpoll(t)
	before := threads(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if found, err := e.wait(-1, false, clock()); err != nil || len(found) != 1 {
			t.Errorf("found %v, %v, want the wake event", found, err)
		}
	}()
	for range 100 {
		runtime.Gosched()
	}
	if n := threads(t); n > before+1 {
		t.Errorf("%d threads, %d before the wait", n, before)
	}
	b.wake()
	<-done
}

// threads is how many this process has.
func threads(t *testing.T) int {
	t.Helper()
	list, err := filepath.Glob("/proc/self/task/*")
	if err != nil || len(list) == 0 {
		t.Fatalf("threads of %d: %v", os.Getpid(), err)
	}
	return len(list)
}
