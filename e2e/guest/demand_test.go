//go:build e2e

package guest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// The examples' workers. Each goes from none to the limit and back to none.

func TestDemandPython(t *testing.T) {
	t.Parallel()
	demand(t, "demand-python", filepath.Join(harness.Examples, "http-python/worker.py"), 2000)
}

func TestDemandGo(t *testing.T) {
	t.Parallel()
	demand(t, "demand-go", filepath.Join(harness.Workers, "http-go"), 400)
}

func TestDemandC(t *testing.T) {
	t.Parallel()
	demand(t, "demand-c", filepath.Join(harness.Workers, "http-c"), 400)
}

func TestDemandBoard(t *testing.T) {
	t.Parallel()
	demand(t, "demand-board", board[0], 400)
}

func demand(t *testing.T, name, worker string, n int) {
	const limit = 5
	s := pool{
		name: name, command: []string{worker},
		options: []string{fmt.Sprint("--limit=", limit), "--idle-timeout=2s"},
	}.install(t)
	if state := s.Show("ActiveState"); state != "inactive" {
		t.Fatalf("the service is %s before the first connection", state)
	}
	sampler := s.Sample()
	// Some work in each request: the pool has to grow, whatever the machine.
	running := s.load(16, "/sleep?ms=5").Start()
	line := s.awaitLine("FULL since")
	if !strings.Contains(line, "limit 5 ") {
		t.Errorf("STATUS=%q does not tell the limit", line)
	}
	harness.WaitFor(t, "the requests", 4*harness.Patience, func() bool {
		ok, failed := running.Done()
		return ok+failed >= n
	})
	result := allServed(t, running.Stop())
	s.empty()
	seen := sampler.Stop()
	t.Logf("workers: at most %d, %d in all; %d looks, at most %v apart", seen.Max, len(seen.Pids), seen.Looks, seen.Longest)
	if seen.Max != limit || seen.Last != 0 {
		t.Errorf("there were up to %d workers and %d at the end, want %d and 0", seen.Max, seen.Last, limit)
	}
	rest(t, s, fmt.Sprintf("0 busy, 0 idle, limit %d | queue 0 | %d requests", limit, result.OK))
	s.expectEvents(1, event.Full, "AVAILD_LIMIT=5")
	s.expectEvents(0, event.StressBegins) // nobody but this host can reach it
}

// rest checks the line of a service that nobody uses any more.
func rest(t *testing.T, s *service, want string) {
	t.Helper()
	if line := s.awaitLine(want); line != want {
		t.Errorf("STATUS=%q, want %q", line, want)
	}
	if out := harness.Systemctl(t, "status", s.Service()); !strings.Contains(out, fmt.Sprintf("Status: %q\n", want)) {
		t.Errorf("systemctl status does not show %q:\n%s", want, out)
	}
}
