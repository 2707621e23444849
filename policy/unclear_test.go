package policy

import (
	"strings"
	"testing"
	"time"
)

// waitingPool is a pool that does not report, of which two workers wait from the beginning,
// and nobody has come yet.
func waitingPool(t *testing.T) *scenario {
	t.Helper()
	cfg := queueConfig(5)
	cfg.CrashIsNoFailure, cfg.ThrottleMax, cfg.MinSpare, cfg.MaxStarting = true, time.Minute, 2, 2
	x := play(t, cfg)
	x.event("start")
	x.event("+500ms")
	if x.s.table.total() != 2 {
		t.Fatalf("%d workers", x.s.table.total())
	}
	return x
}

// lookAt answers the looks that are asked for in so long with what they see of the youngest.
func (x *scenario) lookAt(span time.Duration, what string) {
	x.t.Helper()
	for end := x.now + span; x.now < end; {
		if x.s.infer.unclear.lookAt <= end {
			x.event("+" + (x.s.infer.unclear.lookAt - x.now).String())
			x.event("see " + itoa(x.s.table.youngest.id) + " " + what)
		} else {
			x.event("+" + (end - x.now).String())
		}
	}
}

// The one client there is asks for the page that crashes, time and again, or is served by a
// program for one request. No look has ever seen its connection, as workers wait for it; but
// they do wait.
func TestUnseenEnds(t *testing.T) {
	for _, c := range []struct {
		status  string
		between time.Duration
		times   int
	}{
		{"3", 30 * time.Millisecond, 40},
		{"3", time.Second, 29},
		{"3", 3 * time.Second, 100},
		{"0", 30 * time.Millisecond, 40},
		{"0", 150 * time.Millisecond, 150},
		{"0", 3 * time.Second, 100},
	} {
		x := waitingPool(t)
		for n := range c.times {
			x.event("exit " + itoa(x.s.table.oldest.id) + " " + c.status)
			if x.s.throttle.on {
				t.Fatalf("status %s every %v: throttled after %d, because of %v", c.status, c.between, n+1, whyNames[x.s.throttle.cause.Why])
			}
			x.lookAt(c.between, "at-socket")
		}
		if x.event("+20s"); x.s.infer.unclear.lookAt != far {
			t.Error("looked at for ever")
		}
	}
}

// The first end, of which nothing is known, is not told as the end of a connection.
func TestUnseenCrashIsNotKnown(t *testing.T) {
	x := waitingPool(t)
	w := x.s.table.oldest.id
	for _, a := range x.s.Exit(x.now, w, End{Code: 3}) {
		if a.Kind == WarnExitStatus && a.Why == Crashed {
			t.Error("nobody knows that it had a connection")
		}
	}
}

// Where no start works a few more are tried, at whatever intervals they end, and pauses
// double from then on.
func TestStartsThatFail(t *testing.T) {
	for name, what := range map[string]string{"elsewhere": "elsewhere", "blind": "unknown"} {
		for _, lives := range []time.Duration{0, 50 * time.Millisecond, 3 * time.Second} {
			x := waitingPool(t)
			ends := 0
			for pause := time.Second; pause <= 4*time.Second; pause *= 2 {
				before := ends
				for ; !x.s.throttle.on && ends < 20; ends++ {
					if w := x.s.table.youngest; w == nil {
						x.event("+10ms")
					}
					x.event("exit " + itoa(x.s.table.youngest.id) + " 3")
					if lives > 0 && !x.s.throttle.on {
						x.lookAt(lives, what)
					}
				}
				if most := ends - before; before > 0 && most != 1 || most > mostUnclear+1 || x.s.throttle.due-x.now != pause {
					t.Fatalf("%s, after %v: %d ends, then a pause of %v, want %v", name, lives, most, x.s.throttle.due-x.now, pause)
				}
				x.event("+" + pause.String())
			}
		}
	}
}

// Workers that wait at the socket for a moment and then end, always, are paused, too.
func TestWaitsAndEnds(t *testing.T) {
	x := waitingPool(t)
	x.inspect = func() Evidence { return Evidence{Sockets: []Acceptance{NobodySeen}} }
	began := x.now
	for x.now < began+time.Minute && !x.s.throttle.on {
		x.lookAt(100*time.Millisecond, "at-socket")
		x.event("exit " + itoa(x.s.table.oldest.id) + " 3")
	}
	if took := x.now - began; !x.s.throttle.on || took > stormLong+time.Second {
		t.Fatalf("throttled: %t after %v", x.s.throttle.on, took)
	}
}

// One that leaves with 0 before it waits for anybody is paused.
func TestLeavesAtOnce(t *testing.T) {
	x := waitingPool(t)
	ends := 0
	for ; !x.s.throttle.on && ends < 20; ends++ {
		x.event("exit " + itoa(x.s.table.oldest.id) + " 0")
		if !x.s.throttle.on {
			x.lookAt(20*time.Millisecond, "unknown")
		}
	}
	if most := mostUnclear + x.s.cfg.QuickExits; ends > most+1 || x.s.throttle.cause.Why != QuickEnd {
		t.Fatalf("throttled: %t after %d", x.s.throttle.on, ends)
	}
}

// A reload of such a program: the tested worker has left with 0, and no look has seen whom it
// served. It has waited for somebody, and nothing else ends that.
func TestReloadOfUnseenRequests(t *testing.T) {
	for what, fails := range map[string]bool{"at-socket": false, "elsewhere": true} {
		x := waitingPool(t)
		x.s.cfg.ProveReload, x.cfg.ProveReload = true, true
		x.event("exit " + itoa(x.s.table.oldest.id) + " 0")
		x.lookAt(100*time.Millisecond, "at-socket")
		x.event("reload")
		tested := x.s.table.youngest
		x.event("+300ms")
		x.event("see " + itoa(tested.id) + " " + what)
		x.event("+200ms")
		x.event("exit " + itoa(tested.id) + " 0")
		if x.event("+1ms"); x.s.rolling.failed != fails {
			t.Errorf("waits %s: failed: %t", what, x.s.rolling.failed)
		}
	}
}

// Workers that were there before say nothing about starts.
func TestOlderWorkersWait(t *testing.T) {
	x := waitingPool(t)
	old := x.s.table.oldest
	for n := range mostUnclear + 1 {
		if x.s.throttle.on {
			t.Fatalf("throttled after %d", n)
		}
		x.event("see " + itoa(old.id) + " at-socket")
		x.event("exit " + itoa(x.s.table.youngest.id) + " 3")
	}
	if !x.s.throttle.on {
		t.Fatalf("not throttled: %s", strings.Join(x.said, ", "))
	}
}
