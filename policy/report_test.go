package policy

import (
	"testing"
	"time"
)

// requests is what the service and worker 101 are believed to have finished.
func (x *scenario) requests(want int) {
	x.t.Helper()
	if n := x.s.Condition(x.now).Counters.Requests; n != uint64(want) {
		x.t.Fatalf("%d requests, want %d", n, want)
	}
	x.s.Each(x.now, func(w Worker) {
		if w.ID == 101 && w.Requests != want {
			x.t.Fatalf("%d requests of the worker, want %d", w.Requests, want)
		}
	})
}

func TestFinishedJobs(t *testing.T) {
	tests := []struct {
		name string
		rows []row
		want int
	}{
		{"one at a time", []row{{"busy 101", "watch on"}, {"idle 101", "watch off"}}, 1},
		{"busy is none", []row{{"busy 101", "watch on"}}, 0},
		{"idle at first is none", []row{{"idle 101", "redundant"}}, 0},
		{"ready is none", []row{{"ready 101", ""}}, 0},
		{"counted by itself", []row{{"busy 101", "watch on"}, {"idle 101 done=5", "watch off"}}, 5},
		{"none, it says", []row{{"busy 101", "watch on"}, {"idle 101 done=0", "watch off"}}, 0},
		{"without availability", []row{{"done 101 3", ""}, {"done 101 2", ""}}, 5},
		{"with a redundant report", []row{{"ready 101", ""}, {"idle 101 done=2", "redundant"}}, 2},
		{"while busy", []row{{"busy 101", "watch on"}, {"busy 101 done=4", "redundant"}, {"idle 101 done=1", "watch off"}}, 5},
		{"before the one that begins", []row{{"busy 101 done=4", "watch on"}}, 4},
		{"nonsense", []row{{"nonsense 101 done=4", "nonsense, status 101 7"}}, 0},
		{"stale", []row{{"stale 101 done=4", "stale, stale generation of 101"}}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			play(t, Config{}, once(test.rows...)...).requests(test.want)
		})
	}
}

// A bad end is a bad start only before the first finished job, however that
// was reported.
func TestFinishedJobExcuses(t *testing.T) {
	cfg := Config{Limit: 3, ThrottleDelay: time.Second}
	play(t, cfg, once(row{"done 101 1", ""}, row{"exit 101 1", "exited 101 1, watch on"})...)
	play(t, cfg, once(
		row{"busy 101", "watch on"},
		row{"idle 101 done=0", "watch off"},
		row{"exit 101 1", "exited 101 1, bad start 101, throttle 1s bad-end"},
	)...)
}

func TestVerdicts(t *testing.T) {
	x := play(t, Config{Limit: 3}, once(
		row{"busy 9", "unknown"},
		row{"busy 101", "watch on"},
		row{"busy 101", "redundant"},
		row{"nonsense 101", "nonsense, status 101 7"},
		row{"idle 101", "watch off"},
		row{"idle 101", "redundant"},
		row{"exit 101 0", "watch on"},
		row{"idle 101", "unknown"},
	)...)
	x.counts("total=0")
}

// STOPPING=1 takes a worker out of the available ones, for good.
func TestStopping(t *testing.T) {
	x := play(t, Config{Limit: 2}, once(
		row{"ready 101", ""},
		row{"stopping 101", "watch on"},
		row{"idle 101", "redundant"},
		row{"busy 101", ""},
		row{"idle 101", ""},
		row{"conn", "start 102, watch off"},
	)...)
	x.counts("total=2 starting=1 retiring=1")
	x.play(row{"busy 102 stopping", ""}, row{"exit 101 0", "watch on"})
}

// Held clients do not make a worker unavailable; they only keep it from being
// retired as idle.
func TestHeldClients(t *testing.T) {
	x := play(t, Config{Limit: 2}, once(row{"ready 101", ""}, row{"jobs 101 3", ""})...)
	x.counts("idle=1 busy=0")
	x.play(row{"busy 101 jobs=4", "watch on"}, row{"idle 101 jobs=3", "watch off"}, row{"jobs 101 0", ""})
}

func TestMishapsOfTheChannel(t *testing.T) {
	x := play(t, Config{}, once()...)
	tests := map[Kind]func() []Action{
		WarnStopped:       func() []Action { return x.s.Exit(0, 101, End{Stopped: true, Signal: 19}) },
		WarnPartialStatus: func() []Action { return x.s.PartialStatus(0, 101) },
		WarnReadError:     func() []Action { return x.s.StatusReadError(0) },
		PanicStatusEOF:    func() []Action { return x.s.StatusEOF(0) },
		PanicUnknownChild: func() []Action { return x.s.Exit(0, 9001, End{}) },
	}
	for want, event := range tests {
		if acts := event(); len(acts) != 1 || acts[0].Kind != want {
			t.Errorf("want kind %d, got %+v", want, acts)
		}
		x.counts("total=1 starting=1")
	}
}

func TestEndInWords(t *testing.T) {
	for want, e := range map[string]End{
		"exited with status 3":      {Code: 3},
		"was killed by signal 11":   {Signal: 11},
		"was stopped by signal 19":  {Signal: 19, Stopped: true},
		"ended with unknown status": {Unknown: true},
	} {
		if e.String() != want {
			t.Errorf("%q, want %q", e, want)
		}
	}
}
