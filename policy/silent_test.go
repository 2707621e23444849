package policy

import (
	"testing"
	"time"
)

// silentPool is a pool that does not report, with several clients that always wait.
func silentPool(t *testing.T) *scenario {
	t.Helper()
	cfg := queueConfig(5)
	cfg.CrashIsNoFailure, cfg.ThrottleMax = true, time.Minute
	x := play(t, cfg, cold(row{"queue 4", ""}, row{"conn", "watch off"})...)
	x.sees = []string{"somebody"}
	x.event("+200ms")
	return x
}

// crashes has a worker crash every 20 ms for so long, or until creation pauses. pick
// chooses it, and what is seen before.
func (x *scenario) crashes(span time.Duration, pick func(n int) *worker) (lasted time.Duration) {
	x.t.Helper()
	begin := x.now
	for n := 0; x.now < begin+span; n++ {
		if w := pick(n); w != nil {
			x.event("exit " + itoa(w.id) + " 3")
		}
		if x.s.throttle.on {
			break
		}
		x.queue = []int{3 + n%2} // one is accepted, another comes
		x.event("+20ms")
	}
	return x.now - begin
}

// Some clients ask for the page that crashes, and others are served: nothing pauses,
// for as long as workers are seen to finish requests.
func TestSilentCrashes(t *testing.T) {
	x := silentPool(t)
	lasted := x.crashes(time.Minute, func(n int) *worker {
		x.sees = []string{"somebody"}
		if n%3 == 0 { // it has a connection, and the next time not any more
			x.sees = append(x.sees, itoa(x.s.table.youngest.id)+":0")
			return nil
		}
		return x.s.table.oldest
	})
	if x.s.throttle.on || lasted < time.Minute {
		t.Fatalf("throttled after %v: %+v", lasted, x.s.throttle.cause)
	}
}

// holdsOldest crashes the oldest worker, and the next one is seen with a connection.
func (x *scenario) holdsOldest(int) *worker {
	w := x.s.table.oldest
	if next := w.younger; next != nil {
		x.sees = []string{itoa(next.id) + ":0"}
	}
	return w
}

// When everything crashes, creation pauses after ten seconds, and for longer each time.
func TestSilentEverythingCrashes(t *testing.T) {
	x := silentPool(t)
	for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		lasted := x.crashes(time.Minute, x.holdsOldest)
		c := x.s.throttle
		if !c.on || lasted > stormLeast+time.Second || c.cause.Why != BadEnds {
			t.Fatalf("throttled: %t after %v, because of %v", c.on, lasted, whyNames[c.cause.Why])
		}
		if left := c.due - x.now; left != pause {
			t.Fatalf("paused for %v, want %v", left, pause)
		}
		x.event("+" + pause.String())
		x.event("conn")
		x.event("+100ms")
	}
}

// Where starts are slow fewer crash. They pause, too, if clients wait all the time and none is
// seen to be served, and soon again; but not where one is, or where nobody waits.
func TestSilentCrashesSlowly(t *testing.T) {
	slowly := func(x *scenario, span time.Duration, waits int, served bool) (lasted time.Duration) {
		began := x.now
		for n := 0; x.now < began+span && !x.s.throttle.on; n++ {
			x.event("+200ms")
			x.queue = []int{waits}
			x.event("sample")
			w := x.s.table.youngest
			if w == nil {
				continue
			}
			x.sees = []string{"somebody"}
			if served && n%4 < 2 { // it has a connection, and later not any more
				x.sees = append(x.sees, itoa(w.id)+":0")
			}
			x.event("exit " + itoa(x.s.table.oldest.id) + " 3")
		}
		return x.now - began
	}
	x := silentPool(t)
	if lasted := slowly(x, time.Minute, 4, false); !x.s.throttle.on || x.s.throttle.cause.Why != BadEnds || lasted > stormLong+time.Second {
		t.Fatalf("throttled: %t after %v, because of %v", x.s.throttle.on, lasted, whyNames[x.s.throttle.cause.Why])
	}
	x.event("+1s")
	if lasted := slowly(x, time.Minute, 4, false); !x.s.throttle.on || lasted > stormLong/2 {
		t.Fatalf("throttled again: %t after %v", x.s.throttle.on, lasted)
	}
	x = silentPool(t)
	if lasted := slowly(x, 2*time.Minute, 0, false); x.s.throttle.on {
		t.Fatalf("nobody waits: throttled after %v because of %v", lasted, whyNames[x.s.throttle.cause.Why])
	}
	x = silentPool(t)
	if lasted := slowly(x, 2*time.Minute, 4, true); x.s.throttle.on {
		t.Fatalf("some are served: throttled after %v because of %v", lasted, whyNames[x.s.throttle.cause.Why])
	}
}

// That nothing was seen to be finished means nothing where no connection was seen. Nor does it
// go on for ever.
func TestSilentCrashesSeldomSeen(t *testing.T) {
	x := silentPool(t)
	lasted := x.crashes(time.Minute, func(int) *worker { return x.s.table.oldest })
	if !x.s.throttle.on || lasted < stormLong || lasted > stormLong+time.Second {
		t.Fatalf("throttled: %t after %v", x.s.throttle.on, lasted)
	}
}

// A start that fails among workers that serve is a startup failure all the same: soon
// if nobody accepts meanwhile, else when it has gone on for a while.
func TestSilentStartupFailures(t *testing.T) {
	x := silentPool(t)
	good := x.s.table.oldest
	lasted := x.crashes(time.Minute, func(n int) *worker {
		x.sees = []string{"somebody"}
		if n%2 == 0 {
			x.sees = append(x.sees, itoa(good.id)+":0")
		}
		if w := x.s.table.youngest; w != good {
			return w
		}
		return nil
	})
	if !x.s.throttle.on || x.s.throttle.cause.Why != BadEnd || lasted > 2*crashPeriod {
		t.Fatalf("throttled: %t after %v, because of %v", x.s.throttle.on, lasted, whyNames[x.s.throttle.cause.Why])
	}

	x = silentPool(t)
	x.queue, x.sees = []int{1}, nil
	x.event("+30s") // one client waits, and nobody accepts
	x.s.cfg.Limit++
	if w := x.s.table.youngest; w.started < x.now-badWindow {
		x.s.starts.request(Demand)
		x.do(x.s.end())
	}
	for n := range mostUnclear + 1 { // the client is tried some times more
		if x.s.throttle.on {
			t.Fatalf("throttled after %d", n)
		}
		x.event("exit " + itoa(x.s.table.youngest.id) + " 3")
	}
	if !x.s.throttle.on || x.s.throttle.cause.Why != BadEnd {
		t.Fatalf("not throttled: %q", x.said)
	}
}

// Where the descriptors of workers cannot be read nothing can be concluded from what is
// not seen, and innocent clients are not made to wait for it.
func TestSilentCrashesBlind(t *testing.T) {
	x := silentPool(t)
	x.crashes(time.Minute, func(int) *worker {
		x.sees = []string{"unknown", "blind"}
		return x.s.table.oldest
	})
	if x.s.throttle.on {
		t.Fatalf("throttled because of %v", whyNames[x.s.throttle.cause.Why])
	}
}

// A crashed worker is replaced at once if clients wait.
func TestSilentCrashIsReplaced(t *testing.T) {
	x := silentPool(t)
	x.event("+2s") // all have come
	before := x.started
	x.event("exit " + itoa(x.s.table.oldest.id) + " 3")
	if x.started != before+1 {
		t.Errorf("%d workers were started in the moment of the crash, want 1", x.started-before)
	}
	x.event("+1s") // all have come
	x.queue = []int{0}
	x.event("sample")
	before = x.started
	x.event("exit " + itoa(x.s.table.oldest.id) + " 3")
	if x.started != before {
		t.Error("a worker is started although nobody waits")
	}
}
