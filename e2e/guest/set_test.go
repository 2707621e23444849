//go:build e2e

package guest

import (
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// TestSet: a limit that was set under load replaces no worker and loses no request, outlives a
// crash, by the descriptor store, and does not outlive a restart of the service.
func TestSet(t *testing.T) {
	t.Parallel()
	s := pool{name: "set", options: []string{"--limit=2"}, command: fast}.install(t)
	g := s.besiege(5)
	s.await("a full pool", func(st status.Service) bool { return st.Total == 2 })
	before := s.workersNow()
	harness.MustRun(t, harness.Availd, "set", "set", "limit=5")
	s.await("more workers", func(st status.Service) bool { return st.Limit == 5 && st.Total == 5 && isSet(st, "5", "2") })
	g.crash(1)
	s.awaitEvents(1, event.SetKept)
	if now := s.workersNow(); !allKept(before, now) {
		t.Errorf("workers were replaced: they were %v and are %v", before, now)
	}
	if st := s.state(); st.Limit != 5 || !isSet(st, "5", "2") {
		t.Errorf("limit %d, set %v after a crash", st.Limit, st.Set)
	}
	harness.MustRun(t, harness.Availd, "set", "set", "limit=3")
	s.await("three workers", func(st status.Service) bool { return st.Total == 3 })
	g.more(30)
	g.lift()
	s.Restart()
	if _, err := s.load(1, "/").Get(); err != nil {
		t.Fatal(err)
	}
	if st := s.state(); st.Limit != 2 || len(st.Set) != 0 {
		t.Errorf("limit %d, set %v after a restart", st.Limit, st.Set)
	}
}

func isSet(st status.Service, value, configured string) bool {
	return len(st.Set) == 1 && st.Set[0] == status.Set{Option: "limit", Value: value, Configured: configured}
}
