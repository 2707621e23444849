package loop

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/policy"
)

// TestRefusedRetire: a signal that the system refuses is sent again, later each time, until
// it is sent, and that is said once.
func TestRefusedRetire(t *testing.T) {
	for _, refusal := range []error{unix.EPERM, unix.EAGAIN, unix.ENOMEM} {
		w := newWorldAfter(t, daemonRules(5), left(t, 2, true))
		w.turn()
		w.refuse = refusal
		w.loop.Signal(unix.SIGTERM)
		w.turn()
		for range 4 {
			w.after(firstResend)
		}
		w.expectSignals("101")
		w.refuse = nil
		w.die(102, policy.End{})
		w.after(lastResend)
		w.expectSignals("101", "TERM")
		w.expectSignals("102") // there is nobody any more
		if said := strings.Count(w.logged.String(), "reason=not_signalled"); said != 2 || len(w.loop.unsents.list) != 0 {
			t.Errorf("%v: said %d times, %d signals are left\n%s", refusal, said, len(w.loop.unsents.list), &w.logged)
		}
	}
}

// TestRefusedContinue: a worker that was stopped to be looked at does not stay stopped.
func TestRefusedContinue(t *testing.T) {
	w := quiet(t, 1)
	w.held[101], w.stoppedHeld[101] = quiesce.Free, quiesce.Running
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.expectSignals("101", "STOP")
	w.refuse = unix.ENOMEM
	w.after(lookLong)
	w.held[101] = quiesce.Holding
	w.refuse = nil
	w.after(firstResend)
	w.expectSignals("101", "CONT")
}

// TestRefusedKill: a stronger signal takes the place of one that was refused, and one for
// the worker's end is not dropped because its process group is not there.
func TestRefusedKill(t *testing.T) {
	rules := daemonRules(5)
	rules.StopTimeout = time.Second
	w := newWorldAfter(t, rules, left(t, 1, true))
	w.turn()
	w.refuse = unix.ESRCH
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	if len(w.loop.unsents.list) != 0 {
		t.Error("a worker that has ended is signalled again")
	}
	w.refuse = unix.EPERM
	w.after(time.Second)
	w.refuse = nil
	w.after(lastResend)
	w.expectSignals("101", "KILL")
}
