//go:build e2e

package guest

import (
	"path/filepath"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
)

// TestInetdBurst: many connections at once at a service with room for all, which has just
// been started: none is closed, and nothing is paused.
func TestInetdBurst(t *testing.T) {
	t.Parallel()
	s := inetd(t, "inetd-burst", []string{filepath.Join(harness.Bench, "hello")}, []string{"--limit=600"})
	for _, clients := range []int{50, 100, 500, 500} {
		load := s.clients(clients, "/", 0)
		load.Request, load.Answer = "", "hello"
		r := load.Run(t)
		c := s.state().Counters
		t.Logf("%d connections at once: %d served, the last after %v; %d pauses", clients, r.OK, r.Slowest, c.Throttles)
		if r.Failed != 0 || c.BadStarts != 0 || c.Throttles != 0 {
			t.Errorf("%d of %d were closed, %d bad starts, %d pauses", r.Failed, clients, c.BadStarts, c.Throttles)
		}
		s.Stop() // the next ones are the first again
	}
}
