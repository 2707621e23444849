//go:build e2e

package guest

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/event"
)

// TestSlowSilent: of workers that do not report, the one whose request takes too long is told,
// and then ended, and no other: those are at long requests, too, one after the other.
func TestSlowSilent(t *testing.T) {
	t.Parallel()
	s := pool{
		name: "slow-silent", command: fast,
		options: []string{"--protocol=queue", "--limit=20", "--slow-after=1s", "--busy-timeout=6s", "--stop-timeout=1s"},
	}.install(t)
	long := s.load(1, sleepPath(2*time.Minute))
	long.Timeout = time.Minute
	begun, over := time.Now(), make(chan error, 1)
	go func() {
		_, err := long.Get()
		over <- err
	}()
	slow := s.awaitEvents(1, event.SlowRequest)[0].text("AVAILD_WORKER_PID")
	running := s.load(10, sleepPath(1500*time.Millisecond)).Start()
	if err := <-over; err == nil {
		t.Error("a request that takes too long was answered")
	}
	if took := time.Since(begun); took < 6*time.Second || took > time.Minute {
		t.Errorf("its worker was ended after %v, want 6 s", took)
	}
	served := allServed(t, running.Stop())
	s.expectEvents(1, event.BusyTimeout, "AVAILD_SIGNAL=SIGABRT", "AVAILD_WORKER_PID="+slow)
	s.expectEvents(0, event.Throttled)
	t.Logf("%d of %d slow requests were found", s.state().Counters.Slow, served.OK+1)
}
