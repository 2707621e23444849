package loop

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// asks makes another goroutine ask for an upgrade.
func (w *world) asks() <-chan error {
	w.t.Helper()
	answer := make(chan error, 1)
	go func() { answer <- w.loop.Upgrade(context.Background()) }()
	waitWake(w.t, w)
	w.turn()
	return answer
}

func (w *world) answer(from <-chan error) error {
	w.t.Helper()
	select {
	case err := <-from:
		return err
	case <-time.After(10 * time.Second):
		w.t.Fatal("no answer")
		return nil
	}
}

// TestUpgrade: the trial runs beside the loop; then all living workers are
// handed over, and when the exec fails the loop goes on.
func TestUpgrade(t *testing.T) {
	w := newWorldAfter(t, daemonRules(5), left(t, 2, true))
	w.turn()
	first, second := w.asks(), w.asks()
	if len(w.trials) != 1 {
		t.Fatalf("%d trials for two who ask at once", len(w.trials))
	}
	w.connect()
	w.turn()
	w.accept()
	w.says(103, report.Busy)
	w.die(101, policy.End{})
	w.turn()
	if len(w.starts) != 1 || w.handed != nil {
		t.Fatalf("starts %v during the trial, handed %v", w.starts, w.handed)
	}
	flushed := false
	w.loop.seams.Flush = func() bool { flushed = true; return false }
	w.loop.seams.Execute = func(h, _ []Handed, _ []HandedTemplate) error {
		w.handed = h
		if !flushed || w.slots[2] != "102 state 1" {
			t.Errorf("what is to be told is flushed: %t, 102 is on record as %s", flushed, w.slots[2])
		}
		return unix.ENOEXEC
	}
	w.report(report.Message{PID: 102, Avail: report.Idle, Jobs: -1, Done: -1}) // in the same turn
	w.trials[0](nil)
	w.turn()
	for _, from := range []<-chan error{first, second} {
		if err := w.answer(from); err != nil {
			t.Errorf("answer %v", err)
		}
	}
	slices.SortFunc(w.handed, func(a, b Handed) int { return int(a.Generation) - int(b.Generation) })
	want := []Handed{{2, w.pids[102]}, {3, w.pids[103]}}
	if !slices.Equal(w.handed, want) {
		t.Errorf("handed %v, want %v", w.handed, want)
	}
	if w.said(event.UpgradeRefused, `cause="exec format error"`) != 1 {
		t.Errorf("log: %s", &w.logged)
	}
	w.says(103, report.Idle)
	if c := w.condition(); c.Idle != 2 || c.Counters.Requests != 2 {
		t.Errorf("it does not go on: %+v", c)
	}
	w.loop.Signal(unix.SIGUSR2)
	w.turn()
	if len(w.trials) != 2 {
		t.Error("no second attempt")
	}
}

func TestUpgradeRefused(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	bad := errors.New("/usr/bin/availd: exit status 2: panic")
	asked := w.asks()
	w.trials[0](bad)
	w.turn()
	if err := w.answer(asked); !errors.Is(err, bad) || w.handed != nil {
		t.Errorf("answer %v, handed %v", err, w.handed)
	}
	if log := w.logged.String(); w.said(event.UpgradeRefused) != 1 || !strings.Contains(log, "exit status 2: panic") {
		t.Errorf("log: %s", log)
	}
	asked = w.asks()
	w.trials[1](nil)
	w.turn()
	if err := w.answer(asked); err != nil || w.handed == nil {
		t.Errorf("fixed, but %v", err)
	}
}

// TestUpgradeWhileDraining: a service that is being stopped becomes nothing
// else, whichever came first.
func TestUpgradeWhileDraining(t *testing.T) {
	w := newWorldAfter(t, daemonRules(5), left(t, 1, true))
	before := w.asks()
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.trials[0](nil)
	w.turn()
	after := w.asks()
	for _, from := range []<-chan error{before, after} {
		if err := w.answer(from); !errors.Is(err, ErrDraining) {
			t.Errorf("answer %v", err)
		}
	}
	if w.handed != nil || len(w.trials) != 1 {
		t.Errorf("handed %v, %d trials", w.handed, len(w.trials))
	}
	if w.said(event.UpgradeIgnored) != 1 {
		t.Errorf("log: %s", &w.logged)
	}
}

// TestUpgradeWithUnreaped: one whose end is not known yet goes along, so that the
// next image learns it.
func TestUpgradeWithUnreaped(t *testing.T) {
	w := newWorldAfter(t, daemonRules(5), left(t, 1, true))
	w.fall(101)
	w.turn()
	w.loop.Signal(unix.SIGUSR2)
	w.turn()
	w.trials[0](nil)
	w.turn()
	if len(w.handed) != 1 || w.handed[0].Generation != 1 {
		t.Errorf("handed %v", w.handed)
	}
}

// TestAskInVain: who does not want to wait any more is let go.
func TestAskInVain(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	ctx, cancel := context.WithCancel(context.Background())
	answer := make(chan error, 1)
	go func() { answer <- w.loop.Upgrade(ctx) }()
	waitWake(t, w)
	w.turn()
	cancel()
	if err := w.answer(answer); !errors.Is(err, context.Canceled) {
		t.Errorf("answer %v", err)
	}
	w.trials[0](errors.New("no")) // and its answer is in nobody's way
	w.turn()
}
