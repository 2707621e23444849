//go:build e2e

package guest

import (
	"os"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// leakFor is how long workers leak at least, where AVAILD_E2E_LEAK says nothing else.
const leakFor = 5 * time.Second

// TestLeak: workers that leak at full load are retired between two requests, before all of
// them together take what MemoryMax= would be: the kernel kills nobody for want of memory, and
// nobody loses a request. With AVAILD_E2E_LEAK=10m (and -timeout of go test) it takes so long.
func TestLeak(t *testing.T) {
	t.Parallel()
	const most = 512 << 20 // 4 workers of 60M, and what they take on until it is noticed
	leaks := leakFor
	if text := os.Getenv(harness.EnvLeak); text != "" {
		var err error
		if leaks, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	group := harness.NewMemoryGroup(t, "leak", most)
	s := pool{name: "leak", options: []string{"--limit=4", "--max-memory=60M"}}.install(t)
	s.Start()
	if group != nil {
		group.Add(t, s.Main())
	}
	s.get("/")
	running := s.load(4, "/leak?1").Start()
	began, peak := time.Now(), int64(0)
	harness.WaitFor(t, "8 workers to be retired", leaks+3*harness.Patience, seldom(func() bool {
		state, sum := s.state(), int64(0)
		for _, w := range state.Workers {
			if w.Memory != nil {
				sum += *w.Memory
			}
		}
		peak = max(peak, sum)
		return time.Since(began) >= leaks && state.Counters.TooLarge >= 8
	}))
	if group != nil {
		if n, workers := group.Has(), len(s.Workers()); n < workers || workers == 0 {
			t.Errorf("%d of %d workers are limited", n, workers)
		}
		if n := group.Killed(t); n != 0 {
			t.Errorf("the kernel has killed %d processes for want of memory", n)
		}
	}
	result := allServed(t, running.Stop())
	counters := s.state().Counters
	if counters.Killed != 0 || counters.BadStarts != 0 {
		t.Errorf("%+v", counters)
	}
	s.awaitEvents(8, event.WorkerLarge)
	if peak == 0 || peak > most {
		t.Errorf("the workers together have taken %d MB, want %d at most", peak>>20, most>>20)
	}
	t.Logf("%d workers were retired in %v, all together took %d MB at most, limited: %t; %v",
		counters.TooLarge, time.Since(began).Round(time.Second), peak>>20, group != nil, result)
}

// TestLeakUnheeded: the same limit does end workers that nobody retires, so that a test which
// finds none killed says something.
func TestLeakUnheeded(t *testing.T) {
	t.Parallel()
	group := harness.NewMemoryGroup(t, "leak-unheeded", 100<<20)
	if group == nil {
		t.Skip("the kernel has no memory controller that could be used")
	}
	s := pool{name: "leak-unheeded", options: []string{"--limit=1"}}.install(t)
	s.Start()
	group.Add(t, s.Main())
	s.get("/")
	_, _ = s.load(1, "/leak?200").Get() // it is lost
	harness.WaitFor(t, "a kill", harness.Patience, seldom(func() bool { return group.Killed(t) > 0 }))
}
