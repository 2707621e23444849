package policy

import (
	"testing"
	"time"
)

func quickConfig(inARow int) Config {
	return Config{Limit: 5, ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, QuickExit: time.Second, QuickExits: inARow,
	}}
}

func TestQuickExit(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
		rows []row
	}{
		{"at once", quickConfig(0), []row{
			{"exit 101 0", "bad start 101, throttle 1s quick-end"},
			{"+1s", "unthrottle, watch on"},
		}},
		{"at the last moment", quickConfig(1), []row{
			{"+1s", ""}, {"exit 101 0", "bad start 101, throttle 1s quick-end"},
		}},
		{"later", quickConfig(1), []row{{"+1001ms", ""}, {"exit 101 0", "watch on"}}},
		{"unknown end", quickConfig(1), []row{{"lost 101", "bad start 101, throttle 1s quick-end"}}},
		{"was ready", quickConfig(1), []row{
			{"ready 101", ""}, {"exit 101 0", "bad start 101, throttle 1s quick-end"},
		}},
		{"has served", quickConfig(1), []row{
			{"busy 101", "watch on"}, {"idle 101", "watch off"}, {"exit 101 0", "watch on"},
		}},
		{"was taken", quickConfig(1), []row{{"busy 101", "watch on"}, {"exit 101 0", ""}}},
		{"counts its jobs only", quickConfig(1), []row{{"done 101 1", ""}, {"exit 101 0", "watch on"}}},
		{"was told to", quickConfig(1), []row{{"stop", "closed, retire 101 stop"}, {"exit 101 0", "drained"}}},
		{"off", Config{Limit: 5}, []row{{"exit 101 0", "watch on"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { play(t, test.cfg, once(test.rows...)...) })
	}
}

func TestQuickExitsInARow(t *testing.T) {
	x := play(t, quickConfig(3), once(
		row{"exit 101 0", "watch on"},
		row{"conn", "start 102, watch off"},
		row{"exit 102 0", "watch on"},
		row{"conn", "start 103, watch off"},
		row{"busy 103", "watch on"},
		row{"idle 103", "watch off"}, // ends the row
		row{"exit 103 0", "watch on"},
		row{"conn", "start 104, watch off"},
		row{"exit 104 0", "watch on"},
		row{"conn", "start 105, watch off"},
		row{"exit 105 0", "watch on"},
		row{"conn", "start 106, watch off"},
		row{"exit 106 0", "bad start 106, throttle 1s quick-end"},
		row{"+1s", "unthrottle, watch on"},
		row{"conn", "start 107, watch off"},
		row{"exit 107 0", "bad start 107, throttle 1s quick-end"}, // nothing has got better
	)...)
	if n := x.s.Condition(x.now).Counters.BadStarts; n != 2 {
		t.Fatalf("bad starts: %d", n)
	}
}

// STOPPING=1 is the worker's own word: it does not make a worker that ends at
// once a good one, or a loop of such workers would never pause.
func TestStoppingDoesNotHideABadStart(t *testing.T) {
	play(t, quickConfig(1), once(
		row{"stopping 101", "watch on"},
		row{"exit 101 0", "bad start 101, throttle 1s quick-end, watch off"},
	)...)
	play(t, quickConfig(1), once(
		row{"stopping 101", "watch on"},
		row{"exit 101 1", "exited 101 1, bad start 101, throttle 1s bad-end, watch off"},
	)...)
}
