//go:build e2e

package guest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestCrashingPage: two clients on a page that ends its worker cannot stop the service for
// others, whether or not its workers report.
func TestCrashingPage(t *testing.T) {
	for _, protocol := range []string{"notify", "queue"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			crashingPage(t, pool{
				name: "crashing-" + protocol, command: []string{filepath.Join(harness.Bench, "crash")},
				options: []string{"--limit=8", "--protocol=" + protocol},
			}.install(t))
		})
	}
}

func crashingPage(t *testing.T, s *service) {
	const period = 4 * time.Second
	// Somebody is served first: where nobody reports, a first worker of all that crashes
	// at its first request cannot be told from one that cannot start, and costs a pause.
	if warm := s.clients(1, "/", period/10).Run(t); warm.OK == 0 {
		t.Fatal("nobody is served")
	}
	for _, way := range []string{"exit", "segv", "memory"} {
		bad := make(chan rig.Result, 1)
		go func() { bad <- s.clients(2, "/"+way, period).Run(t) }()
		good := s.clients(4, "/", period).Run(t)
		died := <-bad
		c := s.state().Counters
		t.Logf("/%s: %d crashes; good requests: %d, the slowest took %v; %d pauses so far", way, died.Failed, good.OK, good.Slowest, c.Throttles)
		if died.OK != 0 || died.Failed < 10 {
			t.Errorf("/%s: %d answers, %d crashes are no test", way, died.OK, died.Failed)
		}
		if good.Failed != 0 || good.OK < 100 || c.Throttles != 0 {
			t.Errorf("/%s: %d good requests, %d of them failed, %d pauses", way, good.OK+good.Failed, good.Failed, c.Throttles)
		}
	}
}
