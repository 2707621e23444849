package policy

import (
	"testing"
)

// large says of a worker that it is too large.
func (x *scenario) large(worker int, seldom bool) string {
	x.said = x.said[:0]
	x.do(x.s.TooLarge(x.now, worker, x.s.Generation(worker), seldom))
	text := ""
	for i, said := range x.said {
		if i > 0 {
			text += ", "
		}
		text += said
	}
	return text
}

func sizesConfig(limit int) Config {
	c := timersConfig()
	c.Limit, c.StartTimeout, c.BusyTimeout, c.Watchdog, c.RetireTimeout, c.IgnoreTimeout = limit, 0, 0, 0, 0, 0
	return c
}

// TestTooLarge: a worker is retired between two requests.
func TestTooLarge(t *testing.T) {
	x := play(t, sizesConfig(8), row{"start", "watch on"}, row{"conn", "start 101, watch off"}, row{"ready 101", ""}, row{"busy 101", "watch on"})
	if got := x.large(101, false); got != "" {
		t.Errorf("while it is busy: %q", got)
	}
	x.play(row{"idle 101", "watch off, retire 101 large, watch on"})
	if got := x.large(101, false); got != "" {
		t.Errorf("once more: %q", got)
	}
	if n := x.s.Condition(x.now).Counters.TooLarge; n != 1 {
		t.Errorf("%d are counted", n)
	}
	x.play(row{"exit 101 0", ""}, row{"conn", "start 102, watch off"}, row{"ready 102", ""})
	if got := x.large(102, false); got != "retire 102 large, watch on" {
		t.Errorf("one that is idle: %q", got)
	}
	if got := x.large(999, false); got != "" {
		t.Errorf("one that is not there: %q", got)
	}
}

// TestTooLargeSeldom: one that is looked at only now and then is asked at once.
func TestTooLargeSeldom(t *testing.T) {
	x := play(t, sizesConfig(8), row{"start", "watch on"}, row{"conn", "start 101, watch off"}, row{"busy 101", "watch on"})
	if got := x.large(101, true); got != "retire 101 large" {
		t.Error(got)
	}
}

// TestTooLargeTogether: no more than a quarter of the limit leaves at once, and the others
// follow as those end.
func TestTooLargeTogether(t *testing.T) {
	cfg := sizesConfig(8)
	cfg.MaxStarting = 8
	x := play(t, cfg, row{"start", "watch on"})
	x.event("conn 8")
	for i := range 8 {
		x.event("busy " + pid(i))
	}
	retired := 0
	for i := range 8 {
		if x.large(101+i, true) != "" {
			retired++
		}
	}
	if retired != 2 {
		t.Errorf("%d of 8 are asked at once", retired)
	}
	for i := range 8 {
		if got := x.event("exit " + pid(i) + " 0"); i < 6 && got != "retire "+pid(i+2)+" large, watch on" && got != "watch on, retire "+pid(i+2)+" large" && got != "retire "+pid(i+2)+" large" {
			t.Errorf("when worker %d has ended: %q", 101+i, got)
		}
	}
	if n := x.s.Condition(x.now).Counters.TooLarge; n != 8 {
		t.Errorf("%d are counted", n)
	}
}

// TestTooLargeSilent: where nobody reports they are retired at once, as the look between two
// requests is what retires them.
func TestTooLargeSilent(t *testing.T) {
	x := silentCrowd(t, Config{})
	if got := x.large(101, false); len(got) < 16 || got[:16] != "retire 101 large" {
		t.Error(got)
	}
	cfg := sizesConfig(8)
	cfg.NoRetireSignal = true
	y := play(t, cfg, row{"start", "watch on"}, row{"conn", "start 101, watch off"}, row{"+1s", ""})
	if got := y.large(101, true); got != "" || y.s.Condition(y.now).Counters.TooLarge != 0 {
		t.Errorf("one that cannot be asked: %q", got)
	}
}
