package policy

import (
	"testing"
	"time"
)

func stopConfig() Config {
	return Config{Limit: 5, ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, RetireSignal: 15, StopTimeout: 30 * time.Second, StallGuard: time.Second,
	}}
}

func TestDrain(t *testing.T) {
	x := play(t, stopConfig(), once(
		row{"busy 101", "watch on"},
		row{"conn", "start 102, watch off"},
		row{"stop", "closed, retire 101 stop, retire 102 stop"},
		row{"stop", ""},
		row{"conn", ""},
		row{"exit 102 1", "exited 102 1"},
		row{"idle 101", ""},
		row{"exit 101 0", "drained"},
		row{"stop", ""},
		row{"+1000s", ""},
	)...)
	x.counts("total=0")
	if !x.s.Condition(x.now).Draining {
		t.Fatal("not draining")
	}
}

func TestDrainOfNobody(t *testing.T) {
	x := play(t, stopConfig(), row{"start", "watch on"}, row{"stop", "closed, watch off, drained"}, row{"killall", ""})
	if _, any := x.s.Deadline(); any {
		t.Fatal("a timer after the end")
	}
}

func TestStopTimeout(t *testing.T) {
	play(t, stopConfig(), once(
		row{"busy 101", "watch on"},
		row{"conn", "start 102, watch off"},
		row{"stop", "closed, retire 101 stop, retire 102 stop"},
		row{"+29999ms", ""},
		row{"+1ms", "overdue 101 stop-timeout, signal 101 9, overdue 102 stop-timeout, signal 102 9"},
		row{"killall", ""}, // they are killed
		row{"killed 101 9", ""},
		row{"+1000s", ""},
		row{"killed 102 9", "drained"},
	)...)
}

func TestSecondStopKills(t *testing.T) {
	play(t, stopConfig(), once(
		row{"busy 101", "watch on"},
		row{"stop", "closed, retire 101 stop, watch off"},
		row{"killall", "overdue 101 stop, signal 101 9"},
		row{"+1000s", ""}, // the stop-timeout has nothing left to do
		row{"killed 101 9", "drained"},
	)...)
}

func TestStopEndsPauseAndRolling(t *testing.T) {
	t.Run("throttled", func(t *testing.T) {
		x := play(t, stopConfig(), once(
			row{"busy 101", "watch on"},
			row{"refuse 1", ""},
			row{"conn", "refused, throttle 1s refused, watch off"},
			row{"stop", "closed, retire 101 stop"},
			row{"+1s", "unthrottle"}, // and watches nothing
			row{"exit 101 0", "drained"},
		)...)
		x.counts("total=0")
	})
	t.Run("rolling restart", func(t *testing.T) {
		x := play(t, stopConfig(), once(
			row{"busy 101", "watch on"},
			row{"reload", "restart reload, start 102 replacement, watch off"},
			row{"stop", "closed, retire 101 stop, retire 102 stop"},
			row{"ready 102", ""},
			row{"exit 101 0", ""},
			row{"exit 102 0", "drained"},
		)...)
		if x.s.Condition(x.now).RollingOut {
			t.Fatal("still rolling out")
		}
	})
}

// A start that was asked for before the stop and answered after it.
func TestStartAnsweredWhileDraining(t *testing.T) {
	asked := func(t *testing.T) (*scenario, uint64) {
		x := play(t, stopConfig(), row{"start", "watch on"})
		acts := x.s.Connection(x.now, 1)
		if len(acts) != 1 || acts[0].Kind != Start {
			t.Fatalf("no start: %+v", acts)
		}
		generation := acts[0].Generation
		x.play(row{"stop", "closed, watch off"}) // it counts: not drained yet
		return x, generation
	}
	t.Run("started", func(t *testing.T) {
		x, generation := asked(t)
		x.said = nil
		x.do(x.s.Started(x.now, generation, 101))
		if len(x.said) != 1 || x.said[0] != "retire 101 stop" {
			t.Fatalf("%q", x.said)
		}
		x.play(row{"exit 101 0", "drained"})
	})
	t.Run("refused", func(t *testing.T) {
		x, generation := asked(t)
		x.said = nil
		x.do(x.s.StartFailed(x.now, generation))
		if len(x.said) != 1 || x.said[0] != "drained" {
			t.Fatalf("%q", x.said)
		}
	})
}

// R8 is the original's way; the traces have it all but a repeated call.
func TestStopInTheOriginal(t *testing.T) {
	play(t, Config{ThrottleDelay: time.Second}, once(
		row{"stop", "closed, throttle 1s stop, signal 101 15"},
		row{"stop", ""},
		row{"killed 101 15", "unthrottle stop, watch on, watch off"},
	)...)
	play(t, Config{ThrottleDelay: time.Second, Extensions: Extensions{MinSpare: 1}},
		row{"start", "watch on, start 101 spare, watch off"},
		row{"stop", "closed, throttle 1s stop, signal 101 15"},
		row{"killed 101 15", "unthrottle stop, watch on, watch off"}, // no spare after the end
	)
}
