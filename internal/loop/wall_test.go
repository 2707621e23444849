package loop

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

var (
	clockTime = regexp.MustCompile(`\d\d:\d\d:\d\d`)
	logTime   = regexp.MustCompile(`(?m)^time=\S+ `) // of the test's own logger
)

// course is all that a loop does and says.
type course struct {
	starts    []uint64
	signals   string
	lines     string
	log       string
	timeouts  []time.Duration
	beats     int
	throttled string // as it is shown
}

// live leads a service through everything that has a time: a bad start and its
// pause, a full pool under stress, the end of both, workers that nobody needs.
// step is called between any two events.
func live(t *testing.T, step func(*world)) course {
	cfg := daemonRules(2)
	cfg.StressEligible, cfg.StressHold = true, 20*time.Second
	w := newWorld(t, cfg)
	w.loop.cfg.Watchdog = 5 * time.Second
	w.loop.watchdog.start()
	var c course
	next := func(d time.Duration) {
		step(w)
		w.after(d)
		c.timeouts = append(c.timeouts, w.loop.timeout())
	}
	w.connect()
	next(time.Second)
	w.die(101, policy.End{Code: 1})
	next(time.Second)
	if at := w.loop.shown.snapshot().ThrottledUntil; at != nil {
		c.throttled = at.Format(time.TimeOnly)
	}
	next(time.Second) // the pause is over, and the client still waits
	w.says(102, report.Busy)
	w.connect()
	next(time.Second)
	w.says(103, report.Busy)
	next(2 * time.Second)
	w.accept()
	w.accept()
	w.says(102, report.Idle)
	w.says(103, report.Idle)
	for range 50 {
		next(5 * time.Second)
	}
	c.starts, c.beats = w.starts, w.beats
	c.signals = strings.Join(w.signals, "\n")
	c.lines = clockTime.ReplaceAllString(strings.Join(w.lines, "\n"), "TIME")
	c.log = clockTime.ReplaceAllString(logTime.ReplaceAllString(w.logged.String(), ""), "TIME")
	return c
}

// TestWallClockSteps: somebody sets the clock, an hour to or fro and in the
// middle of everything. Nothing but the times that are shown changes.
func TestWallClockSteps(t *testing.T) {
	calm := live(t, func(*world) {})
	for _, part := range []string{"THROTTLED until TIME", "STRESS until TIME", "FULL since TIME"} {
		if !strings.Contains(calm.lines, part) {
			t.Errorf("the scenario has no %q:\n%s", part, calm.lines)
		}
	}
	if !strings.Contains(calm.log, "event="+event.StressEnds.Event) || !strings.Contains(calm.signals, "SIGTERM") {
		t.Errorf("the scenario is not whole: signals %q, log:\n%s", calm.signals, calm.log)
	}
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		stepped := live(t, func(w *world) { w.wall = w.wall.Add(by) })
		if stepped.throttled == calm.throttled {
			t.Errorf("%v: the pause is shown to end at %s, by a clock that nobody set", by, stepped.throttled)
		}
		stepped.throttled = calm.throttled
		for what, differ := range map[string]bool{
			"starts":   len(stepped.starts) != len(calm.starts),
			"signals":  stepped.signals != calm.signals,
			"STATUS=":  stepped.lines != calm.lines,
			"messages": stepped.log != calm.log,
			"beats":    stepped.beats != calm.beats,
		} {
			if differ {
				t.Errorf("%v: %s differ\n%+v\n%+v", by, what, stepped, calm)
			}
		}
		for i, d := range calm.timeouts {
			if stepped.timeouts[i] != d {
				t.Errorf("%v: deadline %d is in %v, not %v", by, i, stepped.timeouts[i], d)
			}
		}
	}
}
