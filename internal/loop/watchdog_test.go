package loop

import (
	"slices"
	"testing"
	"time"
)

// TestWatchdogRests: an idle loop is woken every five minutes, and the first thing that
// happens after that brings the unit's period back, before anything else can hang.
func TestWatchdogRests(t *testing.T) {
	w := newWorld(t, daemonRules(2))
	w.loop.cfg.Watchdog = 15 * time.Second
	w.loop.watchdog.start()
	w.turn()
	if !slices.Equal(w.periods, []time.Duration{30 * time.Second}) || w.loop.timeout() != 15*time.Second {
		t.Fatalf("first %v, then in %v", w.periods, w.loop.timeout())
	}
	w.after(15 * time.Second)
	if w.loop.timeout() != 5*time.Minute || w.periods[len(w.periods)-1] != 10*time.Minute {
		t.Fatalf("at rest the next one is in %v, periods %v", w.loop.timeout(), w.periods)
	}
	w.after(5 * time.Minute)
	if n := len(w.periods); n != 3 || w.periods[2] != 0 || w.loop.timeout() != 5*time.Minute {
		t.Errorf("periods %v, the next in %v", w.periods, w.loop.timeout())
	}
	w.connect()
	w.after(time.Second)
	if last := w.periods[len(w.periods)-1]; last != 30*time.Second {
		t.Errorf("a client has come, and the period is %v", last)
	}
	for range 20 { // something happens all the time
		w.after(time.Second)
	}
	if slices.Contains(w.periods[3:], 10*time.Minute) {
		t.Errorf("at work a longer period was asked for: %v", w.periods)
	}
}
