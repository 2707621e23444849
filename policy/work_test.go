package policy

import (
	"testing"
	"time"
)

// silentCrowd is a pool of workers that do not report, of which one has come.
func silentCrowd(t *testing.T, cfg Config) *scenario {
	cfg.Limit, cfg.Retire, cfg.RetireSignal, cfg.AbortGrace = 9, true, 15, 5*time.Second
	cfg.QueueDelay, cfg.ProvenAfter, cfg.ThrottleDelay = 20*time.Millisecond, time.Second, time.Second
	x := play(t, cfg, row{"start", "watch on"})
	x.queue = []int{1}
	x.event("conn")
	x.queue = []int{0}
	x.event("+2s")
	return x
}

// finds answers a look at the work of worker 101.
func (x *scenario) finds(w Working) string {
	w.Worker, w.Generation = 101, x.s.Generation(101)
	x.said = x.said[:0]
	x.do(x.s.Worked(x.now, []Working{w}))
	if len(x.said) == 0 {
		return ""
	}
	return x.said[0]
}

// comes has a client come.
func (x *scenario) comes() { x.event("conn") }

// TestWork: workers are looked at while they hold connections, and what takes too long by
// a look is told, and aborted.
func TestWork(t *testing.T) {
	x := silentCrowd(t, Config{Extensions: Extensions{SlowAfter: 2 * time.Second, BusyTimeout: 8 * time.Second}})
	if x.finds(Working{}) != "" {
		t.Error("nothing is done of an answer without work")
	}
	x.comes()
	if got := x.event("+500ms"); got != "look at work" && got != "watch once, look at work" {
		t.Fatalf("half a second after a client has come: %q", got)
	}
	steps := []struct {
		found Working
		want  string
	}{
		{Working{Holds: true, Works: true, For: 500 * time.Millisecond}, ""},
		{Working{Holds: true, Works: true, For: time.Second}, ""},
		{Working{Holds: true}, ""}, // its client is served, and stays
		{Working{Holds: true, Works: true, For: 1900 * time.Millisecond}, ""},
		{Working{Holds: true, Works: true, For: 2400 * time.Millisecond}, "slow"},
		{Working{Holds: true, Works: true, For: 2900 * time.Millisecond}, ""},
		{Working{Holds: true, Works: true, For: 100 * time.Millisecond}, ""}, // another request
		{Working{Holds: true, Works: true, For: 2100 * time.Millisecond}, "slow"},
		{Working{Holds: true, Works: true, For: 8 * time.Second}, "overdue 101 busy-timeout"},
	}
	for i, step := range steps {
		got := x.finds(step.found)
		if got != step.want && (step.want != "slow" || len(got) < 4 || got[:4] != "slow") {
			t.Fatalf("look %d: %q, want %q", i+1, got, step.want)
		}
		x.said = x.said[:0]
		if i == 6 { // the same request goes on
			x.event("+2s")
		} else if i == 7 {
			x.event("+5900ms")
		} else {
			x.event("+500ms")
		}
	}
}

// TestWorkAtRest: a connection of which nothing was heard is found by a look that comes
// without one, and those are seldom in a pool at rest. Without the options there is no look,
// and without workers no timer.
func TestWorkAtRest(t *testing.T) {
	for _, cfg := range []Config{{}, {Extensions: Extensions{BusyTimeout: time.Second}}} {
		x := silentCrowd(t, cfg)
		looks, wanted := 0, cfg.BusyTimeout > 0
		for range 600 {
			x.event("+1s")
			if x.s.work.looking {
				looks++
				x.finds(Working{})
			}
		}
		if most := int(10*time.Minute/mostSeldom) + 5; looks > most || (looks > 50) != wanted {
			t.Errorf("%v: %d looks in ten minutes at rest, want at most %d", cfg.BusyTimeout, looks, most)
		}
		if wanted { // one that nobody has heard of
			for !x.s.work.looking {
				x.event("+1s")
			}
			if got := x.finds(Working{Holds: true, Works: true, For: 5 * time.Second}); got != "overdue 101 busy-timeout" {
				t.Errorf("a request that is found by such a look: %q", got)
			}
		}
		x.event("exit 101 0")
		x.event("+1m")
		if x.s.work.due != far || x.s.work.looking {
			t.Errorf("%v: without workers a look is due at %v", cfg.BusyTimeout, x.s.work.due)
		}
	}
}

// TestWorkReported: a worker that reports is not judged by what it holds.
func TestWorkReported(t *testing.T) {
	x := silentCrowd(t, Config{Extensions: Extensions{BusyTimeout: time.Second}})
	x.event("idle 101")
	if got := x.finds(Working{Holds: true, Works: true, For: time.Hour}); got != "" {
		t.Errorf("a worker that has said it is idle: %q", got)
	}
	if _, serves := x.s.ServingSince(101); serves {
		t.Error("it serves")
	}
}
