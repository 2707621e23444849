package policy

import (
	"testing"
	"time"
)

// Retired workers are not available from that moment, but keep their slot.
func TestRetiredWorkersAreNotAvailable(t *testing.T) {
	cfg := Config{Limit: 2, StressEligible: true, Extensions: Extensions{Retire: true}}
	x := play(t, cfg, once(
		row{"busy 101", "watch on"},
		row{"conn", "restart stress, retire 101 stress, start 102 stressed, watch off"},
		row{"idle 101", ""},
		row{"busy 102", ""}, // 101 is retiring: not full, but no slot is free
	)...)
	x.counts("total=2 idle=0 busy=1 retiring=1")
	x.play(row{"exit 101 0", "watch on"})
	x.play(row{"+500s", ""}, row{"conn", "start 103 stressed, watch off"})
}

func TestStressWithoutRestart(t *testing.T) {
	cfg := Config{Limit: 2, StressEligible: true, Extensions: Extensions{Retire: true, NoStressRestart: true}}
	x := play(t, cfg, once(
		row{"busy 101", "watch on"},
		row{"conn", "start 102 stressed, watch off"},
		row{"busy 102", "full"},
	)...)
	x.counts("total=2 busy=2")
	if c := x.s.Condition(x.now); !c.Stressed || c.StressUntil != StressHold || c.Counters.StressEpisodes != 1 {
		t.Fatalf("%+v", c)
	}
}

// The original opens a new channel and leaves the table alone.
func TestStressInTheOriginal(t *testing.T) {
	x := play(t, Config{Limit: 2, StressEligible: true}, once(
		row{"busy 101", "watch on"},
		row{"conn", "restart stress, start 102 stressed, watch off"},
	)...)
	x.counts("total=2 starting=1 busy=1 retiring=0")
}

func TestStressHold(t *testing.T) {
	cfg := Config{Limit: 2, StressEligible: true, StressHold: 10 * time.Second, Extensions: Extensions{NoStressRestart: true}}
	x := play(t, cfg, once(row{"busy 101", "watch on"}, row{"conn", "start 102 stressed, watch off"})...)
	if c := x.s.Condition(x.now + 10*time.Second); c.Stressed {
		t.Fatal("the window is not over")
	}
}

func TestNoRetireSignal(t *testing.T) {
	cfg := Config{Limit: 2, StressEligible: true, Extensions: Extensions{
		Retire: true, NoRetireSignal: true, MaxRequests: 1, MaxLifetime: time.Minute,
		IdleTimeout: time.Second, StopTimeout: 3 * time.Second, IgnoreTimeout: time.Second,
	}}
	x := play(t, cfg, once(
		row{"busy 101", "watch on"},
		row{"idle 101", "watch off"},
		row{"busy 101", "watch on"},
		row{"conn", "restart stress, start 102 stressed, watch off"},
		row{"idle 101", ""},
		row{"+1000s", ""},
		row{"reload", "restart reload, rolled out 2"},
		row{"stop", "closed"},
		row{"+3s", "overdue 101 stop-timeout, signal 101 9, overdue 102 stop-timeout, signal 102 9"},
		row{"killed 101 9", ""},
		row{"killed 102 9", "drained"},
	)...)
	if x.ticks != 1 {
		t.Fatalf("%d wake-ups", x.ticks)
	}
}

func TestMaxRequests(t *testing.T) {
	cfg := Config{Limit: 3, Extensions: Extensions{Retire: true, MaxRequests: 2}}
	play(t, cfg, once(
		row{"ready 101", ""},
		row{"busy 101", "watch on"},
		row{"idle 101", "watch off"},
		row{"busy 101", "watch on"},
		row{"idle 101", "watch off, retire 101 used-up, watch on"},
		row{"conn", "start 102, watch off"},
		row{"done 102 7", "retire 102 used-up, watch on"},
		row{"conn", "start 103, watch off"},
		row{"idle 103 jobs=2 done=2", "redundant"}, // it holds clients
		row{"jobs 103 0", "retire 103 used-up"},
	)...)
	cfg.MaxRequests = 0
	play(t, cfg, once(row{"done 101 1000000", ""})...)
}

// A share of one request means one: no worker retires before it served any.
func TestMaxRequestsOfOne(t *testing.T) {
	for generation := uint64(1); generation <= 1000; generation++ {
		if n := UsedUpAt(1, generation); n != 1 {
			t.Fatalf("generation %d: %d requests", generation, n)
		}
	}
}

// Workers started together do not retire together, nor earlier or later than by
// 10 %, and they do the same in every run.
func TestSpread(t *testing.T) {
	const d = 1000 * time.Second
	low, high := d, d
	seen := map[time.Duration]bool{}
	for generation := uint64(1); generation <= 1000; generation++ {
		v := spread(d, generation)
		low, high = min(low, v), max(high, v)
		seen[v] = true
		if spread(d, generation) != v {
			t.Fatal("not deterministic")
		}
		if n := UsedUpAt(100, generation); n < 90 || n > 110 {
			t.Fatalf("generation %d: %d requests", generation, n)
		}
	}
	if low < 900*time.Second || low > 905*time.Second || high > 1100*time.Second || high < 1095*time.Second {
		t.Fatalf("%v to %v", low, high)
	}
	if len(seen) < 500 {
		t.Fatalf("only %d different lifetimes", len(seen))
	}
	if spread(0, 3) != 0 || spread(5, 3) != 5 {
		t.Fatal("nothing to vary")
	}
}

func TestMaxLifetime(t *testing.T) {
	cfg := Config{Limit: 3, Extensions: Extensions{Retire: true, MaxLifetime: 100 * time.Second}}
	x := play(t, cfg, once(row{"busy 101", "watch on"})...)
	due := spread(100*time.Second, 1)
	x.play(row{"+" + (due - 1).String(), ""}, row{"+1ns", "retire 101 too-old"}) // a busy one finishes its job
	x.play(row{"idle 101", ""}, row{"+1000s", ""}, row{"exit 101 0", ""})
}
