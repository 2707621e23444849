package loop

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// newWorkWorld is a service of workers that do not report, of which one has come, with
// looks at their work that are answered when the test says so.
func newWorkWorld(t *testing.T, busyTimeout time.Duration) (w *world, asked *[][]int, answer func(...policy.Working)) {
	cfg := queueRules(9)
	cfg.BusyTimeout = busyTimeout
	w = newWorld(t, cfg)
	asked = &[][]int{}
	var reply func([]policy.Working)
	var latest []policy.Working
	w.loop.seams.Works = func(list []policy.Working, limits quiesce.Limits, done func([]policy.Working)) {
		var pids []int
		for _, w := range list {
			pids = append(pids, w.Worker)
		}
		*asked = append(*asked, pids)
		latest, reply = list, done
	}
	answer = func(found ...policy.Working) {
		for i := range found {
			found[i].Worker, found[i].Generation = latest[i].Worker, latest[i].Generation
		}
		reply(found)
		w.turn()
	}
	w.connect()
	w.turn()
	w.accept()
	w.sampled(2 * time.Second)
	return w, asked, answer
}

// TestWorkTimeout: a worker whose request takes longer than the busy timeout, by a look, is
// aborted.
func TestWorkTimeout(t *testing.T) {
	w, asked, answer := newWorkWorld(t, 2*time.Second)
	if len(*asked) != 1 || len((*asked)[0]) != 1 || (*asked)[0][0] != 101 {
		t.Fatalf("asked about are %v", *asked)
	}
	answer(policy.Working{Holds: true, Works: true, For: time.Second})
	w.after(500 * time.Millisecond)
	if len(*asked) != 2 || len(w.signals) != 0 {
		t.Fatalf("asked about are %v, signals %v", *asked, w.signals)
	}
	answer(policy.Working{Holds: true, Works: true, For: 1500 * time.Millisecond})
	w.after(500 * time.Millisecond)
	if len(w.signals) != 0 {
		t.Fatalf("signals %v before the time is over", w.signals)
	}
	answer(policy.Working{Holds: true, Works: true, For: 2 * time.Second})
	if len(w.signals) != 1 || w.signals[0] != "101 SIGABRT true" || w.said(event.BusyTimeout, "worker_pid=101") != 1 {
		t.Errorf("signals %v, said %s", w.signals, w.logged.String())
	}
}

// TestWorkUnknown: what could not be looked at is looked at later.
func TestWorkUnknown(t *testing.T) {
	w, asked, answer := newWorkWorld(t, 2*time.Second)
	answer()
	w.after(time.Second)
	if len(*asked) != 2 || len(w.signals) != 0 {
		t.Errorf("asked about are %v, signals %v", *asked, w.signals)
	}
}

// status is what somebody is told who asks now.
func (w *world) status() status.Service {
	w.loop.now = w.now
	return w.loop.shown.snapshot()
}

// TestWorkStatus: a status has it looked, and tells for how long a worker is at its request.
func TestWorkStatus(t *testing.T) {
	w, asked, answer := newWorkWorld(t, 0)
	if len(*asked) != 0 {
		t.Fatalf("asked about are %v without a reason", *asked)
	}
	s := w.status()
	if len(*asked) != 1 || !s.Pending || s.Workers[0].BusySeconds != nil {
		t.Fatalf("asked about are %v, pending %t, %+v", *asked, s.Pending, s.Workers)
	}
	answer(policy.Working{Holds: true, Works: true, For: time.Second})
	s = w.status()
	if b := s.Workers[0].BusySeconds; s.Pending || b == nil || *b != 1 || len(*asked) != 1 {
		t.Errorf("pending %t, %+v, asked about are %v", s.Pending, s.Workers, *asked)
	}
	w.after(2 * time.Second)
	if s = w.status(); !s.Pending || *s.Workers[0].BusySeconds != 3 {
		t.Errorf("pending %t, %+v", s.Pending, s.Workers)
	}
	answer(policy.Working{Holds: true})
	if s = w.status(); s.Workers[0].BusySeconds != nil {
		t.Errorf("%+v of a worker whose client is served", s.Workers)
	}
	w.after(time.Hour)
	if len(*asked) != 2 {
		t.Errorf("asked about are %v although nobody wants to know", *asked)
	}
}

// TestWorkOfAll: a status that is asked for while a look for old requests is under way has
// one made at all workers, after that one.
func TestWorkOfAll(t *testing.T) {
	w, asked, answer := newWorkWorld(t, 2*time.Second)
	if s := w.status(); len(*asked) != 1 || !s.Pending {
		t.Fatalf("asked about are %v, pending %t", *asked, s.Pending)
	}
	answer()
	if s := w.status(); len(*asked) != 2 || !s.Pending {
		t.Fatalf("asked about are %v, pending %t", *asked, s.Pending)
	}
	answer(policy.Working{Holds: true, Works: true, For: time.Second})
	s := w.status()
	if b := s.Workers[0].BusySeconds; s.Pending || b == nil || *b != 1 || len(*asked) != 2 {
		t.Errorf("pending %t, %+v, asked about are %v", s.Pending, s.Workers, *asked)
	}
}
