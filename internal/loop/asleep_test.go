package loop

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/report"
)

// startDoes is what a start is seen to do.
type startDoes struct {
	cpu         time.Duration
	waits, many bool // many threads
}

// apart is a world with max-starting=auto on two processors.
type apart struct {
	*world
	does map[int]*startDoes
}

// newApart is one in which n clients wait.
func newApart(t *testing.T, n int) apart {
	t.Helper()
	cfg := daemonRules(40)
	cfg.MaxStarting, cfg.AsleepApart = 2, true
	w := apart{newWorld(t, cfg), map[int]*startDoes{}}
	w.loop.seams.CPUTime = func(pid int) (time.Duration, bool) { return w.of(pid).cpu, true }
	w.loop.seams.Waits = func(pid int) (bool, bool) { return w.of(pid).waits, !w.of(pid).many }
	for range n {
		w.connect()
	}
	w.turn()
	return w
}

func (w apart) of(pid int) *startDoes {
	if w.does[pid] == nil {
		w.does[pid] = &startDoes{}
	}
	return w.does[pid]
}

// each has all that are starting do something in each of some milliseconds.
func (w apart) each(ms int, do func(*startDoes)) {
	w.t.Helper()
	for range ms {
		for _, pid := range w.loop.policy.Starters(nil) {
			do(w.of(pid))
		}
		w.after(time.Millisecond)
	}
}

func sleep(d *startDoes)   { d.waits = true }
func compute(d *startDoes) { d.cpu, d.waits = d.cpu+time.Millisecond, false }

// TestSleepersStartAtOnce: starts that wait do not keep each other from being started, and
// there are no more of them than clients.
func TestSleepersStartAtOnce(t *testing.T) {
	w := newApart(t, 12)
	if len(w.starts) != 2 {
		t.Fatalf("%d starts", len(w.starts))
	}
	w.each(20, sleep)
	if len(w.starts) != 12 {
		t.Errorf("%d starts for 12 clients", len(w.starts))
	}
	if w.loop.asleep.due > 0 {
		t.Error("it is still looked, and nobody waits for a place")
	}
}

// TestComputersTakeTurns: starts that compute are as many as there are processors, how
// little they get of a busy machine.
func TestComputersTakeTurns(t *testing.T) {
	w := newApart(t, 12)
	w.each(300, func(d *startDoes) { d.cpu += time.Millisecond / 10 })
	w.each(300, func(*startDoes) {}) // they get nothing, and wait for a processor
	if len(w.starts) != 2 {
		t.Errorf("%d starts", len(w.starts))
	}
}

// TestThreadsAreLookedAtLonger: of several threads one may wait for a processor while the
// first one sleeps.
func TestThreadsAreLookedAtLonger(t *testing.T) {
	w := newApart(t, 12)
	threads := func(d *startDoes) { d.waits, d.many = true, true }
	w.each(9, threads)
	if len(w.starts) != 2 {
		t.Fatalf("%d starts", len(w.starts))
	}
	w.each(30, threads)
	if len(w.starts) < 4 {
		t.Errorf("%d starts", len(w.starts))
	}
}

// TestWaitingFirst: who waits first and computes then is known by what a start has taken
// before.
func TestWaitingFirst(t *testing.T) {
	w := newApart(t, 3)
	w.each(10, sleep)
	if len(w.starts) != 3 {
		t.Fatalf("%d starts for 3 clients", len(w.starts))
	}
	for _, pid := range w.loop.policy.Starters(nil) {
		w.of(pid).cpu = 100 * time.Millisecond
		w.accept()
		w.says(pid, report.Busy)
	}
	for range 12 {
		w.connect()
	}
	w.each(100, sleep)
	if len(w.starts) != 5 {
		t.Errorf("%d starts, want two more: they still have to compute", len(w.starts))
	}
}

// TestAwakeAgain: one that computes after it has waited takes its place again.
func TestAwakeAgain(t *testing.T) {
	w := newApart(t, 40)
	w.each(4, sleep)
	w.each(3, compute)
	n := len(w.starts)
	w.each(50, compute)
	if n < 4 || n > 10 || len(w.starts) != n {
		t.Errorf("%d starts, then %d", n, len(w.starts))
	}
}
