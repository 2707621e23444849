//go:build e2e

package guest

import (
	"fmt"

	"github.com/availd/availd/e2e/guest/harness"
)

// preloads are the ways in which an unmodified program reports.
var preloads = map[string][]string{
	"preload":  {"--preload=" + harness.Preload, "--idle-timeout=1h"},
	"template": {"--template=preload", "--preload=" + harness.Preload, "--idle-timeout=1h"},
}

// counted wants so many requests, no more and no fewer, and every worker known.
func (s *service) counted(n uint64, forked bool) {
	s.t.Helper()
	harness.WaitFor(s.t, fmt.Sprintf("%d requests to be counted", n), harness.Patience, func() bool {
		now := s.state()
		return now.Counters.Requests != nil && *now.Counters.Requests >= n && now.Busy == 0 && now.Starting == 0
	})
	now := s.state()
	if got := *now.Counters.Requests; got != n {
		s.t.Errorf("%d requests were counted, and %d were made", got, n)
	}
	each := uint64(0)
	for _, w := range now.Workers {
		each += *w.Requests
		if w.State != "idle" {
			s.t.Errorf("worker %d is %s", w.PID, w.State)
		}
	}
	if each > n || len(now.Workers) == 0 {
		s.t.Errorf("%d workers have done %d requests of %d", len(now.Workers), each, n)
	}
	for _, w := range s.Workers() {
		if _, is := w.Getenv("AVAILD_TEMPLATE_PID"); is != forked {
			s.t.Errorf("worker %d is a fork of a template: %t", w.PID, is)
		}
	}
}
