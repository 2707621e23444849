package loop

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/policy"
)

// TestRetireUnheard: a worker that was sent its signal and still waits in accept(2) is
// ended as one that knows no signal; one that is doing something is left alone.
func TestRetireUnheard(t *testing.T) {
	w := newWorldAfter(t, daemonRules(5), left(t, 3, true))
	w.signals = nil
	w.held = map[int]quiesce.State{101: quiesce.Free, 102: quiesce.Busy, 103: quiesce.Holding}
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	for _, pid := range []string{"101", "102", "103"} {
		w.expectSignals(pid, "TERM")
	}
	w.after(hearWait - 1)
	if w.looks != 0 {
		t.Error("looked at too soon")
	}
	w.after(1)
	w.expectSignals("101", "STOP", "KILL")
	w.expectSignals("102")
	w.expectSignals("103")
	for _, q := range w.asked {
		if !q.Signalled || q.Draining {
			t.Errorf("asked: %+v", q)
		}
	}
	w.die(101, policy.End{Signal: 9})
	w.held[103] = quiesce.Free
	w.after(longWait)
	w.expectSignals("103", "STOP", "KILL")
	w.expectSignals("102")
	if f := w.loop.facts.failure; f != nil {
		t.Errorf("its end is a failure: %+v", f)
	}
	before := w.looks
	for range 30 {
		w.after(time.Second)
	}
	if n := w.looks - before; n < 1 || n > 6 {
		t.Errorf("%d looks in half a minute at one that is busy", n)
	}
}

// TestRetireUnheardLater: the next availd finds out what this one did not live to see,
// and says nothing of those that it may not look at.
func TestRetireUnheardLater(t *testing.T) {
	r := left(t, 2, true)
	for i := range r.Workers {
		r.Workers[i].Entry.Retiring, r.Workers[i].Entry.Told = true, true
	}
	w := newWorldAfter(t, daemonRules(5), r)
	w.signals = nil
	w.held = map[int]quiesce.State{101: quiesce.Free, 102: quiesce.Denied}
	w.after(hearWait)
	w.expectSignals("101", "STOP", "KILL")
	w.expectSignals("102")
	if w.logged.Len() > 0 && w.loop.retirees.warned {
		t.Errorf("log: %s", &w.logged)
	}
}

// TestStoppedByEarlier: whatever the configuration says now, a worker that an earlier
// availd has stopped goes on.
func TestStoppedByEarlier(t *testing.T) {
	r := maybeStopped(left(t, 2, true))
	r.Workers[1].MayBeStopped = false
	w := newWorldAfter(t, daemonRules(5), r)
	w.expectSignals("101", "CONT")
	w.expectSignals("102")
}
