package policy

import (
	"testing"
	"time"
)

func apartConfig(limit, starting int) Config {
	cfg := startingConfig(limit, starting)
	cfg.AsleepApart = true
	return cfg
}

// TestAsleep: a start that waits leaves its place to another one, and takes it again when it
// computes; no more workers start than connections wait.
func TestAsleep(t *testing.T) {
	x := play(t, apartConfig(9, 2),
		row{"start", "watch on"},
		row{"conn 5", "start 101, watch new, start 102, watch off"},
		row{"asleep 101", "watch new"},
		row{"conn 5", "start 103, watch off"},
		row{"asleep 102", "watch new"},
		row{"asleep 103", ""},
		row{"conn 5", "start 104, start 105, watch off"},
		row{"awake 103", ""}, // nobody is stopped for it
		row{"asleep 104", ""},
		row{"asleep 105", "watch new"},
		row{"conn 5", ""}, // all who wait have a worker on its way
		row{"conn 9", "start 106, watch off"},
		row{"ready 101", ""},
		row{"exit 103 0", ""},
	)
	x.counts("total=5 starting=4 idle=1")
}

// TestAsleepOne: with one place, too.
func TestAsleepOne(t *testing.T) {
	play(t, apartConfig(9, 1),
		row{"start", "watch on"},
		row{"conn 3", "start 101, watch off"},
		row{"asleep 101", "watch new"},
		row{"conn 3", "start 102, watch off"},
		row{"asleep 102", "watch new"},
		row{"conn 2", ""},
	)
}

// TestAsleepSpares: spares are started in the same way.
func TestAsleepSpares(t *testing.T) {
	cfg := apartConfig(9, 1)
	cfg.MinSpare = 3
	play(t, cfg,
		row{"start", "watch on, start 101 spare, watch off"},
		row{"asleep 101", "watch new, start 102 spare, watch off"},
		row{"asleep 102", "watch new, start 103 spare, watch off"},
		row{"asleep 103", "watch new"},
	)
}

// TestAsleepIsNotAsked: a number is the most that start, whatever they do.
func TestAsleepIsNotAsked(t *testing.T) {
	x := play(t, startingConfig(9, 2),
		row{"start", "watch on"},
		row{"conn 5", "start 101, watch new, start 102, watch off"},
		row{"asleep 101", ""},
		row{"asleep 102", ""},
	)
	if x.s.Crowded() {
		t.Error("it is looked at starts")
	}
	x.cfg.AsleepApart = true
	x.play(row{"adjust", ""}, row{"asleep 101", "watch new"}) // max-starting=auto is set
	x.cfg.AsleepApart = false
	x.play(row{"adjust", "watch off"}) // … and taken back
}

// TestCrowded: it is looked at starts only if that can matter.
func TestCrowded(t *testing.T) {
	steps := []struct {
		event, want string
		crowded     bool
	}{
		{"start", "watch on", false},
		{"conn 1", "start 101, watch new", false}, // there is a place
		{"conn 2", "start 102, watch off", true},
		{"asleep 101", "watch new", false},
		{"conn 3", "start 103, watch off", true},
		{"ready 102", "", false}, // somebody is idle
		{"busy 102", "watch new", false},
		{"conn 3", "start 104, watch off", false}, // the limit is reached
	}
	x := play(t, apartConfig(4, 2))
	for _, s := range steps {
		x.play(row{s.event, s.want})
		if x.s.Crowded() != s.crowded {
			t.Errorf("after %s: %t", s.event, !s.crowded)
		}
	}
	if ids := x.s.Starters(nil); len(ids) != 3 || x.s.IsStarting(102) || !x.s.IsStarting(104) {
		t.Errorf("%v are starting", ids)
	}
	cfg := apartConfig(9, 1)
	cfg.Retire, cfg.QueueDelay, cfg.ProvenAfter = true, 20*time.Millisecond, time.Second
	if x := play(t, cfg, row{"start", "watch on"}, row{"conn 1", "start 101, watch off"}); x.s.Crowded() {
		t.Error("it is looked at workers that do not report")
	}
}
