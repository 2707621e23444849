//go:build e2e

package guest

import (
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// leakFor is how long workers leak at least.
const leakFor = 5 * time.Second

// TestLeak: workers that leak at full load are retired between two requests, before all of
// them together take what MemoryMax= would be, which these machines do not know; and nobody
// loses a request.
func TestLeak(t *testing.T) {
	t.Parallel()
	const most = 600 << 20 // 4 workers of 60M, and what they take on until it is noticed
	s := pool{name: "leak", options: []string{"--limit=4", "--max-memory=60M"}}.install(t)
	s.get("/")
	running := s.load(4, "/leak?1").Start()
	began, peak := time.Now(), int64(0)
	harness.WaitFor(t, "8 workers to be retired", 3*harness.Patience, seldom(func() bool {
		state, sum := s.state(), int64(0)
		for _, w := range state.Workers {
			if w.Memory != nil {
				sum += *w.Memory
			}
		}
		peak = max(peak, sum)
		return time.Since(began) >= leakFor && state.Counters.TooLarge >= 8
	}))
	result := allServed(t, running.Stop())
	counters := s.state().Counters
	if counters.Killed != 0 || counters.BadStarts != 0 {
		t.Errorf("%+v", counters)
	}
	s.awaitEvents(8, event.WorkerLarge)
	if peak == 0 || peak > most {
		t.Errorf("the workers together have taken %d MB, want %d at most", peak>>20, most>>20)
	}
	t.Logf("%d workers were retired in %v, all together took %d MB at most; %v", counters.TooLarge, time.Since(began).Round(time.Second), peak>>20, result)
}
