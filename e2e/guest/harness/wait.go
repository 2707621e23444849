package harness

import (
	"testing"
	"time"
)

// Patience bounds what should take no time at all: long, as machines share two
// noisy cores, and never waited in a run that passes.
const Patience = 30 * time.Second

// look is the pause between two looks at the world.
const look = 5 * time.Millisecond

// WaitFor ends the test when the condition has not become true in time. what
// completes the sentence "waited 5 s for …".
func WaitFor(t testing.TB, what string, timeout time.Duration, condition func() bool) {
	t.Helper()
	turn := time.NewTicker(look)
	defer turn.Stop()
	deadline := time.After(timeout)
	for !condition() {
		select {
		case <-turn.C:
		case <-deadline:
			if condition() { // a look may have taken all the time
				return
			}
			t.Fatalf("waited %v for %s", timeout, what)
		}
	}
}

// Stays ends the test when the condition does not hold all the time. what
// completes the sentence "after 1.2 s no longer …".
func Stays(t testing.TB, what string, period time.Duration, condition func() bool) {
	t.Helper()
	turn := time.NewTicker(look)
	defer turn.Stop()
	begin := time.Now()
	over := time.After(period)
	for condition() {
		select {
		case <-turn.C:
		case <-over:
			return
		}
	}
	t.Fatalf("after %v no longer %s", time.Since(begin).Round(time.Millisecond), what)
}
