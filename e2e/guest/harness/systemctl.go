package harness

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// jobTimeout bounds every job: a reload of systemd 257 whose READY=1 is missed
// never ends by itself.
const jobTimeout = 4 * time.Minute

// Run runs a command of the machine and returns its stdout and stderr in the
// order written, without the last line's end. The error has them too.
func Run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), jobTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	text := strings.TrimRight(string(out), "\n")
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		err = fmt.Errorf("run %s: %w: %s", strings.Join(args, " "), err, text)
	}
	return text, err
}

// MustRun is Run for commands that cannot fail.
func MustRun(t testing.TB, args ...string) string {
	t.Helper()
	out, err := Run(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Systemctl runs systemctl(1).
func Systemctl(t testing.TB, args ...string) string {
	t.Helper()
	return MustRun(t, append([]string{"systemctl"}, args...)...)
}

// Show returns a property of a unit, "" for one that it does not have.
func Show(t testing.TB, unit, property string) string {
	t.Helper()
	return Systemctl(t, "show", "--value", "--property="+property, unit)
}

// Journal returns the messages of and about a unit, oldest first, one line
// each: "12.345678 availd[71]: text". The first column is seconds since boot.
//
// It has what journald has received when it is called. That need not be all that the
// unit did until then: availd leaves its messages to a goroutine that waits for
// journald, and systemd's come after the state that they tell of. Who expects a message
// waits for it with [AwaitJournal]; that there is none can be told only of messages that
// would have come before another one, which is waited for first.
func Journal(unit string) string {
	_, _ = Run("journalctl", "--sync") // what was written before this call
	out, err := Run("journalctl", "--no-pager", "--output=short-monotonic", "--no-hostname", "--unit="+unit)
	if err != nil {
		return err.Error()
	}
	return out
}

// AwaitJournal waits until the journal of a unit has a text so many times, and returns
// the journal. What was expected and is not there ends the test.
func AwaitJournal(t testing.TB, unit, text string, times int) (journal string) {
	t.Helper()
	what := fmt.Sprintf("the journal of %s to say %q %d times", unit, text, times)
	WaitFor(t, what, Patience, func() bool {
		journal = Journal(unit)
		return strings.Count(journal, text) >= times
	})
	return journal
}
