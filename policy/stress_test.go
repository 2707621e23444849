package policy

import (
	"testing"
	"time"
)

func stressConfig(limit int) Config {
	return Config{Limit: limit, StressEligible: true, ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, RetireSignal: 15, IgnoreTimeout: time.Hour,
	}}
}

// enterStress fills the last slot of eight.
func enterStress(t *testing.T) *scenario {
	t.Helper()
	x := busyPool(t, stressConfig(8), 7)
	x.play(row{"conn", "restart stress, retire 101 stress, start 108 stressed, watch off"})
	return x
}

// Where nobody is idle, one of eight is asked, and the next when its replacement is ready.
func TestStressRestartOfABusyPool(t *testing.T) {
	x := enterStress(t)
	x.play(
		row{"+29s", ""}, // however long the start takes
		row{"busy 108", "full, retire 102 stress"},
		row{"exit 101 0", "watch on"},
		row{"conn", "start 109 stressed, watch off"},
		row{"ready 109", "retire 103 stress"},
		row{"busy 109", ""},
		row{"exit 102 0", "watch on"},
		row{"conn", "start 110 stressed, watch off"},
		row{"busy 110", "retire 104 stress"},
		row{"exit 103 0", "watch on"},
		row{"conn", "start 111 stressed, watch off"},
		row{"busy 111", "retire 105 stress"},
		row{"exit 104 0", "watch on"},
		row{"conn", "start 112 stressed, watch off"},
		row{"busy 112", "retire 106 stress"},
		row{"exit 105 0", "watch on"},
		row{"conn", "start 113 stressed, watch off"},
		row{"busy 113", "retire 107 stress"}, // the last one; no worker that knows of stress is asked
		row{"exit 106 0", "watch on"},
		row{"conn", "start 114 stressed, watch off"},
		row{"busy 114", ""},
		row{"exit 107 0", "watch on"},
		row{"+10m", ""},
	)
	if x.s.stress.upTo != 0 {
		t.Error("the restart has no end")
	}
}

// Half as many are asked as are idle, of a hundred workers one in twenty at least and a
// quarter at most.
func TestStressRestartBatches(t *testing.T) {
	for idle, want := range map[int]int{0: 5, 9: 5, 14: 7, 30: 15, 80: 25} {
		x := busyPool(t, stressConfig(100), 99)
		for i := range idle {
			x.event("idle " + pid(i))
		}
		x.s.stress.restart()
		if n := x.s.table.retiring; n != want {
			t.Errorf("%d of 99 are idle: %d are asked, want %d", idle, n, want)
		}
	}
}

// A load that has no need of the replacements does not hold the others up for ever.
func TestStressRestartIsPatient(t *testing.T) {
	enterStress(t).play(
		row{"exit 101 0", ""},            // 108 is available
		row{"+30s", "retire 102 stress"}, // nobody came
		row{"exit 102 0", ""},
		row{"+30s", "retire 103 stress"},
		row{"+30s", "retire 104 stress"},
	)
}

// Idle workers are asked first, as that costs nobody anything.
func TestStressRestartAsksTheIdle(t *testing.T) {
	x := enterStress(t)
	x.play(
		row{"busy 108", "full, retire 102 stress"},
		row{"idle 106", ""},
		row{"idle 107", ""},
		row{"+30s", "retire 106 stress"},
		row{"+30s", "retire 107 stress"},
	)
}

// A start that fails, and a reload whose workers did not start, end it: those that
// run are better than none.
func TestStressRestartStops(t *testing.T) {
	enterStress(t).play(
		row{"exit 108 1", "exited 108 1, bad start 108, throttle 1s bad-end"},
		row{"+1s", "unthrottle, watch on"},
		row{"+1h", ""},
	)
	x := busyPool(t, stressConfig(8), 6)
	x.play(
		row{"reload", "restart reload, start 107 replacement, watch off, start 108 replacement"},
		row{"exit 107 1", "exited 107 1, rolling restart stopped bad-end"},
		row{"busy 108", "watch on"},
		row{"conn", "restart stress, start 109 stressed, watch off"}, // a window, and nobody is asked
		row{"+1h", ""},
	)
}

// A reload replaces all that the restart would ask.
func TestReloadDuringStressRestart(t *testing.T) {
	x := enterStress(t)
	x.event("reload")
	if x.s.stress.upTo != 0 || !x.s.rolling.on {
		t.Error("both replace the same workers")
	}
}

// A crash or an upgrade in the middle does not stop it, nor make it hurry.
func TestStressRestartAfterACrash(t *testing.T) {
	x := enterStress(t)
	x.event("busy 108") // 101 and 102 are asked
	y := restart(x)
	y.play(
		row{"start", ""},
		row{"exit 101 0", "watch on"},
		row{"conn", "start 109 stressed, watch off"},
		row{"busy 109", ""}, // of two: one is ready …
		row{"exit 102 0", "watch on"},
		row{"conn", "start 110 stressed, watch off"},
		row{"busy 110", "retire 103 stress"},
	)
}

// The original asks all at once, by closing the channel, and its table stays.
func TestStressRestartOfTheOriginal(t *testing.T) {
	x := busyPool(t, Config{Limit: 8, StressEligible: true}, 7)
	x.play(row{"conn", "restart stress, start 108 stressed, watch off"}, row{"+10m", ""})
}
