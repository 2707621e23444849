package loop

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/activity"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// slowWorld is a service with one busy worker, and what looks at it find.
type slowWorld struct {
	*world
	asked []activity.Question
	found activity.Activity
	reply func()
}

func newSlowWorld(t *testing.T, sig unix.Signal) *slowWorld {
	cfg := daemonRules(10)
	cfg.SlowAfter = time.Second
	w := &slowWorld{world: newWorldAfter(t, cfg, nil, func(s *Settings) { s.SlowSignal = sig })}
	w.loop.seams.Explain = func(questions []activity.Question, done func([]activity.Activity)) {
		w.asked = append(w.asked, questions...)
		w.reply = func() {
			found := make([]activity.Activity, len(questions))
			for i := range found {
				found[i] = w.found
			}
			done(found)
		}
	}
	w.connect()
	w.turn()
	w.says(101, report.Busy)
	return w
}

// TestSlowRequest: a request that takes long is explained once, with what the worker does.
func TestSlowRequest(t *testing.T) {
	w := newSlowWorld(t, 0)
	w.found = activity.Activity{
		Kind: activity.Waits, PID: 101, State: "S", Call: "recvfrom", On: "10.0.0.5:5432", CPU: 10 * time.Millisecond, Over: 200 * time.Millisecond,
	}
	w.report(report.Message{PID: 101, Jobs: -1, Done: -1, HasStatus: true, Status: "page 7"})
	w.after(time.Second)
	if len(w.asked) != 1 || w.asked[0] != (activity.Question{PID: 101}) {
		t.Fatalf("asked are %+v", w.asked)
	}
	if w.said(event.SlowRequest) != 0 {
		t.Error("it is said before it was looked at")
	}
	w.reply()
	w.turn()
	w.after(10 * time.Second)
	if w.said(event.SlowRequest, "worker_pid=101", "took=1s", "reason=waits", "call=recvfrom", "on=10.0.0.5:5432", "cpu_ms=10", "process_state=S", `worker_status="page 7"`) != 1 {
		t.Errorf("said is %s", w.logged.String())
	}
	if w.said(event.SlowRequest) != 1 || len(w.asked) != 1 || len(w.signals) != 0 {
		t.Errorf("%d messages, %d looks, signals %v", w.said(event.SlowRequest), len(w.asked), w.signals)
	}
}

// TestSlowShown: what was seen is shown as long as the request lasts.
func TestSlowShown(t *testing.T) {
	w := newSlowWorld(t, 0)
	w.found = activity.Activity{Kind: activity.Waits, Call: "recvfrom", On: "10.0.0.5:5432"}
	shown := func() *string { return w.loop.shown.snapshot().Workers[0].Doing }
	if text := shown(); text != nil {
		t.Errorf("before it is looked at: %s", *text)
	}
	w.after(time.Second)
	w.reply()
	w.turn()
	if text := shown(); text == nil || !strings.Contains(*text, "10.0.0.5:5432") {
		t.Errorf("shown is %v", text)
	}
	w.says(101, report.Idle)
	w.says(101, report.Busy)
	w.turn()
	if text := shown(); text != nil {
		t.Errorf("at the next request: %s", *text)
	}
}

// TestSlowFinished: a request that is over when the answer comes is counted, and what was
// seen, which may be of the next one, is not said of it.
func TestSlowFinished(t *testing.T) {
	w := newSlowWorld(t, unix.SIGUSR1)
	w.found = activity.Activity{Kind: activity.Computes, Catches: true}
	w.after(time.Second)
	w.says(101, report.Idle)
	w.says(101, report.Busy)
	w.reply()
	w.turn()
	if w.said(event.SlowRequest) != 0 || len(w.signals) != 0 {
		t.Errorf("said is %s, signals %v", w.logged.String(), w.signals)
	}
	if n := w.loop.shown.snapshot().Counters.Slow; n != 1 {
		t.Errorf("%d slow requests are counted", n)
	}
}

// TestSlowEnded: the worker has ended when the answer comes.
func TestSlowEnded(t *testing.T) {
	w := newSlowWorld(t, unix.SIGUSR1)
	w.after(time.Second)
	w.die(101, policy.End{})
	w.turn()
	w.reply()
	w.turn()
	if w.said(event.SlowRequest) != 0 || len(w.signals) != 0 {
		t.Errorf("said is %s, signals %v", w.logged.String(), w.signals)
	}
}

// TestSlowSignal: it is sent to a worker that handles it, and to no other.
func TestSlowSignal(t *testing.T) {
	for _, handles := range []bool{true, false} {
		w := newSlowWorld(t, unix.SIGUSR1)
		w.found = activity.Activity{Kind: activity.Computes, Catches: handles}
		w.after(time.Second)
		if w.asked[0].Signal != unix.SIGUSR1 {
			t.Errorf("asked is %+v", w.asked)
		}
		w.reply()
		w.turn()
		sent, unhandled := len(w.signals), w.said(event.SlowSignalUnhandled, "signal=SIGUSR1")
		if handles && (sent != 1 || w.signals[0] != "101 SIGUSR1 false" || unhandled != 0) || !handles && (sent != 0 || unhandled != 1) {
			t.Errorf("handles %t: signals %v, %d messages", handles, w.signals, unhandled)
		}
	}
}

// TestSlowLater: those that come while some are looked at are looked at next.
func TestSlowLater(t *testing.T) {
	w := newSlowWorld(t, 0)
	w.after(500 * time.Millisecond)
	w.connect()
	w.turn()
	w.says(102, report.Busy)
	w.after(500 * time.Millisecond)
	w.after(500 * time.Millisecond)
	if len(w.asked) != 1 {
		t.Fatalf("asked are %+v", w.asked)
	}
	w.reply()
	w.turn()
	if len(w.asked) != 2 || w.asked[1].PID != 102 {
		t.Errorf("asked are %+v", w.asked)
	}
}

// TestDoingWords: whatever a worker does has words, and its own reason.
func TestDoingWords(t *testing.T) {
	for _, test := range []struct {
		a    activity.Activity
		want event.Phrase
	}{
		{activity.Activity{}, event.NotLookedAt},
		{activity.Activity{Kind: activity.Computes}, event.Computes},
		{activity.Activity{Kind: activity.Waits, Call: "futex"}, event.Waits},
		{activity.Activity{Kind: activity.Waits, Call: "read", On: "/a"}, event.WaitsFor},
		{activity.Activity{Kind: activity.Waits}, event.WaitsForMemory},
		{activity.Activity{Kind: activity.Sleeps, Call: "pause"}, event.Sleeps},
		{activity.Activity{Kind: activity.Stuck}, event.StuckAnywhere},
		{activity.Activity{Kind: activity.Stuck, Call: "read"}, event.Stuck},
		{activity.Activity{Kind: activity.Stuck, Call: "read", On: "/a"}, event.StuckOn},
		{activity.Activity{Kind: activity.Stopped}, event.IsStopped},
		{activity.Activity{Kind: activity.Hidden}, event.CallHidden},
		{activity.Activity{Kind: activity.Hidden, On: "pipe_read"}, event.CallHiddenIn},
	} {
		r := doing(test.a)
		if r.Name != test.want.Name || len(r.Error()) < len(test.want.Text)/2 {
			t.Errorf("%+v: %v", test.a, r)
		}
		for _, c := range r.Error() {
			if c == '{' {
				t.Errorf("%+v: %v lacks a field", test.a, r)
			}
		}
	}
}
