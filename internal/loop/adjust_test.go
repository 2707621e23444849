package loop

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/status"
)

// adjusted has the loop take lines over, as another goroutine does.
func (w *world) adjusted(lines string) Adjustment {
	w.t.Helper()
	answer := make(chan Adjustment, 1)
	go func() {
		a, err := w.loop.Adjust(context.Background(), lines)
		if err != nil {
			a.Err = err
		}
		answer <- a
	}()
	for {
		select {
		case a := <-answer:
			return a
		default:
			w.turn()
		}
	}
}

// TestAdjust: a lower limit is in force with the answer, and retires those above it alone.
func TestAdjust(t *testing.T) {
	w := newWorld(t, daemonRules(3))
	for i := range 3 {
		w.connect()
		w.turn()
		w.says(101+i, report.Busy)
		w.accept()
	}
	w.says(101, report.Idle)
	w.loop.seams.Adjust = func(lines string) (Settings, []status.Set, error) {
		if lines != "limit=1" {
			return Settings{}, nil, errors.New("refused")
		}
		s := w.loop.cfg.Settings
		s.Policy.Limit = 1
		s.Set = []status.Set{{Option: "limit", Value: "1", Configured: "3"}}
		s.Changes = []event.Line{event.SetValue.With(event.Option("limit"), event.SetTo("1"), event.Configured("3"))}
		s.Ceilings = []event.Line{event.LimitTasks.With(event.Reachable(0), event.Limit(1))}
		return s, s.Set, nil
	}
	if a := w.adjusted("limit=x"); a.Err == nil || a.Named != nil || w.loop.cfg.Policy.Limit != 3 || len(w.signals) > 0 {
		t.Errorf("%+v, limit %d, signals %q", a, w.loop.cfg.Policy.Limit, w.signals)
	}
	a := w.adjusted("limit=1")
	if a.Err != nil || len(a.Named) != 1 || len(a.Warnings) != 1 {
		t.Errorf("%+v", a)
	}
	if c := w.condition(); c.Limit != 1 || c.Retiring != 2 || c.Busy != 1 {
		t.Errorf("%+v", c)
	}
	if want := []string{"101 SIGTERM false", "103 SIGTERM false"}; !slices.Equal(w.signals, want) {
		t.Errorf("signals %q, want %q", w.signals, want)
	}
	if w.said(event.SetValue, "option=limit", "set_to=1", "configured=3") != 1 || w.said(event.LimitTasks) != 1 {
		t.Errorf("logged:\n%s", &w.logged)
	}
	if s := w.loop.shown.snapshot(); s.Limit != 1 || len(s.Set) != 1 {
		t.Errorf("%+v", s)
	}
	if line := w.loop.line.compose(); !strings.Contains(line, ", limit 1 (3 configured) | ") {
		t.Error(line)
	}
	w.loop.stop(StopSignals[0])
	if a := w.adjusted("limit=1"); !errors.Is(a.Err, ErrDraining) {
		t.Errorf("%+v", a)
	}
}
