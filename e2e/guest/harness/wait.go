package harness

import (
	"testing"
	"time"
)

// Patience bounds what should take no time at all: long, as machines share two
// noisy cores, and never waited in a run that passes.
const Patience = 30 * time.Second

// look is the shortest pause between two looks at the world.
const look = 5 * time.Millisecond

// Again says when to look at something again, after a look that began then: after a
// pause of that length at least. What takes long, as everything that another program is
// asked, is looked at less often: else looking would be most of what a slow machine
// does. But it is looked at, as some things are not to be seen for long.
func Again(pause time.Duration, began time.Time) <-chan time.Time {
	const most = 200 * time.Millisecond
	return time.After(max(pause, min(2*time.Since(began), most)))
}

// WaitFor ends the test when the condition has not become true in time. what
// completes the sentence "waited 5 s for …".
func WaitFor(t testing.TB, what string, timeout time.Duration, condition func() bool) {
	t.Helper()
	deadline := time.After(timeout)
	for began := time.Now(); !condition(); began = time.Now() {
		select {
		case <-Again(look, began):
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
	begin := time.Now()
	over := time.After(period)
	for began := begin; condition(); began = time.Now() {
		select {
		case <-Again(look, began):
		case <-over:
			return
		}
	}
	t.Fatalf("after %v no longer %s", time.Since(begin).Round(time.Millisecond), what)
}
