package loop

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/report"
)

// TestDemandOfADay: a pool of 2 is full for a minute while 3 clients wait. The limit
// that would have served them is 5.
func TestDemandOfADay(t *testing.T) {
	w := newWorld(t, daemonRules(2))
	for _, pid := range []int{101, 102} {
		w.connect()
		w.turn()
		w.accept()
		w.says(pid, report.Busy)
	}
	w.after(30 * time.Second)
	for range 3 {
		w.connect()
	}
	w.after(lookPeriod) // nothing but the queue has changed, which wakes nobody
	w.after(20 * time.Second)
	if d := w.loop.shown.snapshot().Demand; d.Peak != 5 || d.FullSeconds != 60 || d.AdvisedLimit == nil || *d.AdvisedLimit != 5 {
		t.Errorf("while it is full: %+v", d)
	}
	w.says(101, report.Idle)
	w.after(time.Hour)
	if d := w.loop.shown.snapshot().Demand; d.Peak != 5 || d.FullSeconds != 60 || *d.AdvisedLimit != 5 {
		t.Errorf("an hour later: %+v", d)
	}
	w.after(24 * time.Hour)
	if d := w.loop.shown.snapshot().Demand; d.Peak != 1 || d.FullSeconds != 0 || d.AdvisedLimit != nil {
		t.Errorf("a day later: %+v", d)
	}
}

// TestDemandUnderStress: workers that are asked to restart while they hold a
// client are needed as much as before; those that leave idle are not.
func TestDemandUnderStress(t *testing.T) {
	cfg := daemonRules(3)
	cfg.StressEligible, cfg.StressHold = true, time.Minute
	w := newWorld(t, cfg)
	for _, pid := range []int{101, 102, 103} {
		w.connect()
		w.turn()
		w.accept()
		w.says(pid, report.Busy)
	}
	if c := w.condition(); c.Retiring != 2 || c.Serving != 3 {
		t.Fatalf("not the scenario that is meant: %+v", c)
	}
	if d := w.loop.shown.snapshot().Demand; d.Peak != 3 {
		t.Errorf("%+v", d)
	}
}

// TestDemandWakesNobody: an idle pool, and one in which somebody is free, have
// no deadline for the sake of it; a full one is looked at now and then.
func TestDemandWakesNobody(t *testing.T) {
	w := newWorld(t, daemonRules(1))
	w.turn()
	if w.loop.load.need.due != 0 {
		t.Error("an idle pool is looked at")
	}
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	looks := 0
	for began := w.now; w.now < began+time.Minute; looks++ {
		if w.loop.load.need.due == 0 {
			t.Fatal("a full pool is not looked at")
		}
		w.after(w.loop.load.need.due - w.now)
	}
	if looks > int(time.Minute/lookPeriod) {
		t.Errorf("%d looks in a minute", looks)
	}
	w.says(101, report.Idle)
	if w.loop.load.need.due != 0 {
		t.Error("a pool with a free worker is looked at")
	}
}
