package policy

import (
	"testing"
	"time"
)

func crashConfig() Config {
	cfg := doublingConfig()
	cfg.CrashIsNoFailure = true
	return cfg
}

// A worker that took a connection has started well, whatever becomes of it then.
func TestCrashIsNoFailure(t *testing.T) {
	for _, test := range []struct {
		name  string
		taken []row // by worker 101
		end   row
	}{
		{"status", []row{{"busy 101", "watch on"}}, row{"exit 101 3", "exited 101 3 crashed"}},
		{"signal", []row{{"busy 101", "watch on"}}, row{"killed 101 11", "killed 101 11 crashed"}},
		{"several clients", []row{{"ready 101", ""}, {"jobs 101 2", ""}}, row{"exit 101 3", "exited 101 3 crashed, watch on"}},
		{"counted", []row{{"ready 101", ""}, {"done 101 1", ""}}, row{"exit 101 3", "exited 101 3 crashed, watch on"}},
		{"asked for its end", []row{{"busy 101", "watch on"}}, row{"trigger 101", "overdue 101 asked, signal 101 6"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := crashConfig()
			cfg.Watchdog = time.Hour
			x := play(t, cfg, once(test.taken...)...)
			x.play(test.end)
			if c := x.s.Condition(x.now); c.Throttled || c.Counters.BadStarts != 0 {
				t.Errorf("a crash at work is a startup failure: %+v", c)
			}
		})
	}
}

// A start that fails among workers that serve is a failure all the same, and so is
// one that said READY=1 and took nothing.
func TestStartupFailureAmongGoodWorkers(t *testing.T) {
	play(t, crashConfig(), once(
		row{"busy 101", "watch on"},
		row{"conn", "start 102, watch off"},
		row{"exit 102 3", "exited 102 3, bad start 102, throttle 1s bad-end"},
		row{"+1s", "unthrottle, watch on"},
		row{"conn", "start 103, watch off"},
		row{"ready 103", ""},
		row{"exit 103 3", "exited 103 3, bad start 103, throttle 2s bad-end"},
		row{"+2s", "unthrottle, watch on"},
	)...)
}

// crash has the next worker take a connection and end.
func (x *scenario) crash() string {
	x.event("conn")
	id := itoa(100 + x.started)
	x.event("busy " + id)
	return x.event("exit " + id + " 3")
}

// When everything crashes, creation pauses, for longer each time; a request that
// was finished ends that.
func TestEverythingCrashes(t *testing.T) {
	x := play(t, crashConfig(), row{"start", "watch on"})
	for range 40 { // in a service that has just begun, requests that work may be under way
		x.crash()
		x.event("+45ms")
	}
	if x.s.Condition(x.now).Throttled {
		t.Fatal("throttled before any request can have been finished")
	}
	x.event("+2s")
	for _, pause := range []time.Duration{1, 2, 4, 5, 5} {
		for n := range burstSize + 1 {
			got := x.crash()
			if c := x.s.Condition(x.now); c.Throttled != (n == burstSize) {
				t.Fatalf("after %d crashes: %s", n+1, got)
			}
		}
		if left := x.s.Condition(x.now).ThrottledUntil - x.now; left != pause*time.Second {
			t.Fatalf("paused for %v, want %v s", left, int(pause))
		}
		x.event("+" + (pause * time.Second).String())
	}
	if c := x.s.Condition(x.now).Counters; c.BadStarts != 5 || c.Throttles != 5 {
		t.Fatalf("%+v", c)
	}
	x.event("conn")
	good := itoa(100 + x.started)
	x.event("busy " + good)
	x.event("idle " + good)
	x.event("busy " + good)
	for range 200 { // not for ten seconds from then
		x.crash()
		x.event("+45ms")
	}
	if c := x.s.Condition(x.now); c.Throttled {
		t.Fatal("throttled although a request was finished a moment ago")
	}
	x.event("+2s")
	for range burstSize + 1 {
		x.crash()
	}
	if left := x.s.Condition(x.now).ThrottledUntil - x.now; left != time.Second {
		t.Fatalf("paused for %v: a request that a new worker finished makes pauses short again", left)
	}
}

// Crashes that come one after the other are the clients' affair: each costs one of
// them its connection.
func TestSlowCrashes(t *testing.T) {
	x := play(t, crashConfig(), row{"start", "watch on"})
	for range 1000 {
		x.crash()
		x.event("+101ms")
	}
	if c := x.s.Condition(x.now); c.Counters.Throttles != 0 {
		t.Fatalf("%+v", c.Counters)
	}
}

// After a restart of availd it is not known what the workers have finished
// meanwhile, so nothing is concluded from it.
func TestCrashesAfterRestore(t *testing.T) {
	x := play(t, crashConfig(), once(row{"busy 101", "watch on"})...)
	y := restart(x)
	y.event("start")
	for range burstSize + 1 {
		y.crash()
	}
	if c := y.s.Condition(y.now); c.Throttled {
		t.Fatal("throttled at once after an adoption")
	}
}
