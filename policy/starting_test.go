package policy

import (
	"testing"
	"time"
)

func startingConfig(limit, starting int) Config {
	return Config{Limit: limit, ThrottleDelay: time.Second, Extensions: Extensions{MaxStarting: starting}}
}

func TestSeveralStarts(t *testing.T) {
	tests := []struct {
		name    string
		cfg     Config
		waiting string
		want    string
	}{
		{"as many as wait", startingConfig(9, 4), "conn 3", "start 101, watch new, start 102, start 103"},
		{"as many as may start", startingConfig(9, 3), "conn 8", "start 101, watch new, start 102, start 103, watch off"},
		{"as many as the limit", startingConfig(2, 4), "conn 8", "start 101, watch new, start 102, watch off"},
		{"no limit", startingConfig(0, 3), "conn 8", "start 101, watch new, start 102, start 103, watch off"},
		{"depth unknown", startingConfig(9, 4), "conn 1", "start 101, watch new"},
		{"gone meanwhile", startingConfig(9, 4), "conn 0", ""},
		{"off", Config{Limit: 9}, "conn 8", "start 101, watch off"},
		{"off, depth 0", Config{Limit: 9}, "conn 0", "start 101, watch off"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			play(t, test.cfg, row{"start", "watch on"}, row{test.waiting, test.want})
		})
	}
}

// Workers on their way count for those that wait; only proven idle workers
// stop the listening.
func TestStartersCount(t *testing.T) {
	play(t, startingConfig(9, 3),
		row{"start", "watch on"},
		row{"conn 2", "start 101, watch new, start 102"},
		row{"conn 2", ""},
		row{"conn 3", "start 103, watch off"},
		row{"busy 101", "watch new"},
		row{"conn 3", "start 104, watch off"}, // 2 are starting
		row{"idle 101", ""},
		row{"ready 102", ""},
		row{"busy 101", ""},
		row{"busy 102", "watch new"},
		row{"ready 103", "watch off"},
		row{"conn 9", ""},
	)
}

// The stress test precedes each start: only the one that fills the last slot
// opens the window.
func TestSeveralStartsUnderStress(t *testing.T) {
	cfg := startingConfig(3, 3)
	cfg.StressEligible = true
	x := play(t, cfg,
		row{"start", "watch on"},
		row{"conn 3", "start 101, watch new, start 102, restart stress, start 103 stressed, watch off"},
	)
	if c := x.s.Condition(x.now); c.Counters.StressEpisodes != 1 || !c.Stressed {
		t.Fatalf("%+v", c)
	}
}

// A refused start ends the series.
func TestRefusedStartEndsTheSeries(t *testing.T) {
	x := play(t, startingConfig(9, 5),
		row{"start", "watch on"},
		row{"conn 1", "start 101, watch new"},
		row{"refuse 1", ""},
		row{"conn 4", "refused, throttle 1s refused, watch off"},
		row{"+1s", "unthrottle, watch new"},
		row{"conn 2", "start 102"},
	)
	x.counts("total=2 starting=2")
}

// What happens before a late answer may end the series too: here somebody has
// become idle, and takes those that wait.
func TestLateAnswerEndsTheSeries(t *testing.T) {
	cfg := startingConfig(9, 4)
	cfg.Retire = true
	x := play(t, cfg, row{"start", "watch on"}, row{"conn 1", "start 101, watch new"})
	acts := x.s.Connection(x.now, 4)
	if len(acts) != 1 || acts[0].Kind != Start {
		t.Fatalf("no start: %+v", acts)
	}
	generation := acts[0].Generation
	x.play(row{"ready 101", "watch off"})
	if acts := x.s.Started(x.now, generation, 102); len(acts) != 0 {
		t.Fatalf("the series goes on: %+v", acts)
	}
	x.started++
	x.play(row{"busy 101", "watch new"}) // nor does it later
	x.counts("total=2 starting=1 busy=1")
	x.play(row{"reload", "restart reload, start 103 replacement, start 104 replacement"}) // not for those that waited
}
