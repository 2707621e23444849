package testutil

import (
	"testing"
	"time"
)

// look is the pause between two looks at something that tells of no change.
const look = 5 * time.Millisecond

// WaitFor looks again and again until is reports true: at what another process does and
// tells nobody of. What has an event is waited for by that. After [Patience] it ends the
// test and says what; a [Later] in it is asked then.
func WaitFor(t testing.TB, is func() bool, what ...any) {
	t.Helper()
	for over := time.Now().Add(Patience); !is(); time.Sleep(look) {
		if time.Now().After(over) {
			t.Fatal(append([]any{"not in time:"}, what...)...)
		}
	}
}

// Later is a text that is put together when it is needed.
type Later func() string

func (l Later) String() string { return l() }
