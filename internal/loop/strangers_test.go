package loop

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStrangers: however many die, they are collected ten times a second, and again when
// somebody else's child was in the way.
func TestStrangers(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	var heard []bool
	w.loop.seams.HearDeaths = func(on bool) { heard = append(heard, on) }
	for range 3 {
		w.loop.Signal(unix.SIGCHLD)
		w.turn()
	}
	if w.collected != 1 {
		t.Errorf("collected %d times at once", w.collected)
	}
	w.after(strangersPause)
	if w.collected != 2 {
		t.Errorf("collected %d times after a pause, want 2", w.collected)
	}
	if want := []bool{false, true, false, true}; !slices.Equal(heard, want) {
		t.Errorf("deaths are heard %t, want %t: not between a death and the look", heard, want)
	}
	w.after(strangersPause)
	w.inTheWay = true
	w.loop.Signal(unix.SIGCHLD)
	w.turn()
	w.inTheWay = false
	w.after(strangersAgain)
	if w.collected != 4 || w.loop.strangers.due != 0 {
		t.Errorf("collected %d times, want 4; next %v", w.collected, w.loop.strangers.due)
	}
	if !heard[len(heard)-1] {
		t.Error("the next death will not be heard")
	}
}
