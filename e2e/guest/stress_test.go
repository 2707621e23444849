//go:build e2e

package guest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// TestStressRemote: a service that other hosts can reach.
func TestStressRemote(t *testing.T) {
	t.Parallel()
	port := harness.Port()
	stress(t, pool{
		name: "stress-remote", port: port,
		listen: []string{fmt.Sprint("ListenStream=0.0.0.0:", port)},
	})
}

// TestStressRestart: one that they cannot, but that asks for it.
func TestStressRestart(t *testing.T) {
	t.Parallel()
	stress(t, pool{name: "stress-restart", options: []string{"--stress=restart"}})
}

const stressLimit = 4

// stress fills the pool, and keeps it busy while the workers are replaced.
func stress(t *testing.T, p pool) {
	p.options = append(p.options, fmt.Sprint("--limit=", stressLimit), "--stress-hold=12s", "--idle-timeout=2s")
	p.command = []string{harness.Examples + "/http-python/worker.py", "-o", "stress={stress}"}
	s := p.install(t)
	roster := s.roster()
	running := s.load(8, "/sleep?ms=20").Start()
	s.awaitLine("STRESS until")
	harness.WaitFor(t, "the pool to be all of workers that know", harness.Patience, func() bool { return s.informed() })
	harness.WaitFor(t, "200 answers more", harness.Patience, more(running, 200))
	allServed(t, running.Stop())
	checkStressed(t, roster.all())
	s.expectEvents(1, event.StressBegins, "AVAILD_LIMIT=4")
	s.expectEvents(1, event.Full, "AVAILD_LIMIT=4")
	s.empty()
	calm(t, s)
	roster.close()
}

// informed: there are as many workers as may be, and all carry the flag.
func (s *service) informed() bool {
	workers := s.state().Workers
	return len(workers) == stressLimit &&
		!slices.ContainsFunc(workers, func(w status.Worker) bool { return !w.Stress })
}

func more(r *harness.Running, n int) func() bool {
	before, _ := r.Done()
	return func() bool { ok, failed := r.Done(); return ok+failed >= before+n }
}

// checkStressed: the worker that fills the last slot is the first to know, in
// its arguments and its environment, and all after it do.
func checkStressed(t *testing.T, all []entry) {
	t.Helper()
	t.Logf("%d workers", len(all))
	last := 0 // one that lived for a moment only may not have been seen
	for i, e := range all {
		want := ""
		if e.generation >= stressLimit {
			want = "yes"
		}
		if e.generation <= last {
			t.Errorf("worker %d of %d has generation %d, after %d", i+1, len(all), e.generation, last)
		}
		last = e.generation
		if got := e.args[len(e.args)-1]; !e.informed || e.stress != want || got != "stress="+want {
			t.Errorf("generation %d has AVAILD_STRESS=%q and the argument %q, want %q", e.generation, e.stress, got, want)
		}
	}
	if last < 2*stressLimit-1 {
		t.Errorf("%d workers were started: the older ones were not replaced", last)
	}
}

// calm: the window ends by itself, and the next worker does not know of it.
func calm(t *testing.T, s *service) {
	t.Helper()
	s.await("the end of the stress", func(st status.Service) bool { return st.StressUntil == nil })
	s.awaitNoLine("STRESS")
	s.expectEvents(1, event.StressEnds)
	requests(t, s.load(1, "/"), 1)
	harness.WaitFor(t, "workers that have executed their command", harness.Patience, func() bool {
		workers := s.Workers()
		return len(workers) > 0 && !slices.ContainsFunc(workers, func(w harness.Process) bool { return !w.Executed() })
	})
	for _, w := range s.Workers() {
		flag, set := w.Getenv("AVAILD_STRESS")
		if args := w.Args(); flag != "" || !set || args[len(args)-1] != "stress=" {
			t.Errorf("after the stress a worker has AVAILD_STRESS=%q and the arguments %q", flag, args)
		}
	}
	if n := s.state().Counters.StressEpisodes; n != 1 {
		t.Errorf("%d stress episodes, want 1", n)
	}
}
