package policy

import (
	"testing"
	"time"
)

func guardConfig(limit int) Config {
	return Config{Limit: limit, ThrottleDelay: 10 * time.Second, Extensions: Extensions{
		Retire: true, StallGuard: time.Second,
	}}
}

// A wedged worker: the one idle worker never accepts.
func TestStallGuardStartsDespiteTheCount(t *testing.T) {
	play(t, guardConfig(3), once(
		row{"ready 101", "watch once"},
		row{"queue 2", ""},
		row{"conn 2", "watch off"},
		row{"+999ms", ""},
		row{"+1ms", "probe, suspect 101, start 102 stall"},
		row{"ready 102", "watch once"},
		row{"conn 2", "watch off"},
		row{"+1s", "probe, suspect 102, start 103 stall"}, // 101 was named already
		row{"ready 103", ""},                              // at the limit nothing can be done
		row{"+100s", ""},
	)...)
}

// It goes on for as long as connections wait, also while there may be more than one
// starting worker.
func TestStallGuardGoesOn(t *testing.T) {
	cfg := guardConfig(9)
	cfg.MaxStarting = 3
	play(t, cfg,
		row{"start", "watch on"},
		row{"conn", "start 101, watch new"},
		row{"ready 101", "watch once"},
		row{"queue 2", ""},
		row{"conn 2", "watch off"},
		row{"+1s", "probe, suspect 101, start 102 stall"},
		row{"+1s", "probe, start 103 stall"},
		row{"+1s", "probe, start 104 stall"},
		row{"+9s", ""}, // that is all there may be
	)
}

func TestStallGuardIsOffInTheOriginal(t *testing.T) {
	x := play(t, Config{Limit: 3}, once(row{"ready 101", ""}, row{"conn 5", ""}, row{"+10s", ""})...)
	if x.ticks != 0 {
		t.Fatal("a timer without the extension")
	}
}

func TestStallGuardStandsDown(t *testing.T) {
	tests := []struct {
		name string
		rows []row
	}{
		{"the queue is empty", []row{
			{"queue 0", ""},
			{"+1s", "probe, watch once"},
			{"conn 1", "watch off"}, // a new watch
		}},
		{"the queue shrinks", []row{
			{"queue 2", ""},
			{"+1s", "probe"},
			{"queue 1", ""},
			{"+1s", "probe"},
			{"+1s", "probe, suspect 101, start 102 stall"},
		}},
		{"a report is heard", []row{
			{"queue 3", ""},
			{"busy 101", "watch on"},
			{"idle 101", "watch once"},
			{"conn 3", "watch off"},
			{"+500ms", ""},
			{"jobs 101 1", ""}, // it accepts, though it stays available
			{"+500ms", "probe"},
			{"+500ms", ""},
			{"done 101 1", ""},
			{"+500ms", "probe"},
			{"alive 101", ""}, // no sign of accepting
			{"idle 101", "redundant"},
			{"+1s", "probe, suspect 101, start 102 stall"},
		}},
		{"a worker ends", []row{
			{"exit 101 0", "watch on"},
			{"+10s", ""},
		}},
		{"throttled", []row{
			{"exit 101 1", "exited 101 1, bad start 101, throttle 10s bad-end"},
			{"+9s", ""},
			{"+1s", "unthrottle, watch on"},
		}},
		{"stopping", []row{
			{"stop", "closed, retire 101 stop"},
			{"+10s", ""},
		}},
		{"turned off", []row{
			{"reload", "restart reload, rolled out 1"},
			{"+10s", ""},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := play(t, guardConfig(5), once(row{"ready 101", "watch once"}, row{"conn 3", "watch off"})...)
			x.cfg.StallGuard, x.cfg.NoRetireSignal = 0, true
			x.play(test.rows...)
		})
	}
}

// Unproven workers are on their way already, so a wait is no stall.
func TestStallGuardWaitsForStarters(t *testing.T) {
	x := play(t, guardConfig(5), once(
		row{"queue 9", ""},
		row{"conn 9", ""},
		row{"+10s", ""},
	)...)
	if x.ticks != 0 {
		t.Fatal("a timer while a worker starts")
	}
}

// The suspect is named once; the stall is dealt with again.
func TestStallGuardNamesASuspectOnce(t *testing.T) {
	play(t, guardConfig(5), once(
		row{"ready 101", "watch once"},
		row{"queue 1", ""},
		row{"conn 1", "watch off"},
		row{"+1s", "probe, suspect 101, start 102 stall"},
		row{"exit 102 0", "watch once"},
		row{"conn 1", "watch off"},
		row{"+1s", "probe, start 103 stall"},
		row{"refuse 1", ""},
		row{"ready 103", "watch once"},
		row{"conn 1", "watch off"},
		row{"+1s", "probe, suspect 103, refused stall, throttle 10s refused"},
	)...)
}

// A start for a stall fills the last slot like any other.
func TestStallGuardTestsForStress(t *testing.T) {
	cfg := guardConfig(2)
	cfg.StressEligible = true
	play(t, cfg, once(
		row{"ready 101", "watch once"},
		row{"queue 1", ""},
		row{"conn 1", "watch off"},
		row{"+1s", "probe, suspect 101, restart stress, retire 101 stress, start 102 stressed stall"},
	)...)
}

// Under a storm of connections there is one wake-up by the sockets, then one a
// second by the timer; when idle there is none.
func TestStallGuardIsNoStorm(t *testing.T) {
	x := play(t, guardConfig(50), once(row{"ready 101", "watch once"}, row{"queue 5", ""})...)
	wakes := 0
	for i := range 10_000 { // 10 s, a connection each millisecond that is served
		if x.s.listening.watching != WatchOff {
			x.event("conn 5")
			wakes++
		}
		x.event("jobs 101 " + []string{"1", "2"}[i%2])
		x.event("+1ms")
	}
	if wakes != 1 || x.ticks > 10 {
		t.Fatalf("%d wake-ups by sockets, %d by the timer in 10 s", wakes, x.ticks)
	}
	x.queue[0] = 0
	x.event("+1s")
	ticks := x.ticks
	x.event("+1000s")
	if x.ticks != ticks {
		t.Fatal("wake-ups while idle")
	}
}

// An answer to a Probe that was overtaken by events changes nothing.
func TestLateProbe(t *testing.T) {
	x := play(t, guardConfig(5), once(row{"ready 101", "watch once"}, row{"conn 1", "watch off"})...)
	x.now += time.Second
	if acts := x.s.Tick(x.now); len(acts) != 1 || acts[0].Kind != Probe {
		t.Fatalf("no probe: %+v", acts)
	}
	x.play(row{"busy 101", "watch on"})
	if acts := x.s.Probed(x.now, 9); len(acts) != 0 {
		t.Fatalf("late answer: %+v", acts)
	}
}
