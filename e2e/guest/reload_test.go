//go:build e2e

package guest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// TestReload: both ways to reload, under load.
func TestReload(t *testing.T) {
	t.Parallel()
	s := pool{name: "reload", options: []string{"--limit=4"}}.install(t)
	sampler := s.Sample()
	running := s.load(8, "/sleep?5").Start()
	s.await("a full pool", full(4))
	for i, reload := range []struct {
		name  string
		limit int
		do    func()
	}{
		{"systemctl reload", 6, s.Reload},
		{"HUP", 6, func() { s.Signal(unix.SIGHUP) }},
		{"systemctl reload to less", 3, s.Reload},
	} {
		old := s.state().Workers
		s.configure(fmt.Sprint("--limit=", reload.limit))
		reload.do()
		s.await(reload.name+" to replace all workers", func(st status.Service) bool {
			return st.Limit == reload.limit && st.Total == reload.limit && st.Retiring == 0 && !shares(st.Workers, old)
		})
		t.Logf("%s: limit %d, generations %v", reload.name, reload.limit, generations(s.state().Workers))
		s.expectEvents(i+1, event.Reloaded) // the last worker may be starting still
	}
	harness.WaitFor(t, "100 answers more", harness.Patience, more(running, 100))
	allServed(t, running.Stop())
	seen := sampler.Stop()
	t.Logf("workers: at most %d, %d in all", seen.Max, len(seen.Pids))
	if seen.Max > 6 {
		t.Errorf("%d workers at once, the limit was never above 6", seen.Max)
	}
	s.awaitStatus("tell the last limit, and of no reload", func(line string) bool {
		return strings.Contains(line, "limit 3 ") && !strings.Contains(line, "RELOAD")
	})
}

func full(n int) func(status.Service) bool {
	return func(s status.Service) bool { return int(s.Busy) == n }
}

func shares(a, b []status.Worker) bool {
	return slices.ContainsFunc(a, func(w status.Worker) bool { return slices.Contains(generations(b), w.Generation) })
}

func generations(all []status.Worker) (list []uint64) {
	for _, w := range all {
		list = append(list, w.Generation)
	}
	return list
}

// TestReloadRefused: a bad file changes nothing but the line.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	s := pool{name: "reload-refused", options: []string{"--limit=3", "--min-spare=2"}}.install(t)
	s.Start()
	s.await("two workers", func(st status.Service) bool { return st.Idle == 2 })
	before := generations(s.state().Workers)
	s.configure("--limit=3", "", "--min-spare=two")
	out, err := harness.Run("systemctl", "reload", s.Service())
	if err == nil {
		t.Errorf("systemctl reload accepts the bad file: %s", out)
	}
	const fault = "reload-refused.conf:3: min-spare=two"
	if line := s.awaitLine("RELOAD FAILED: "); !strings.Contains(line, fault) {
		t.Errorf("STATUS=%q does not say %s", line, fault)
	}
	if cause := s.awaitEvents(1, event.ReloadRefused)[0].text("AVAILD_CAUSE"); !strings.HasPrefix(cause, filepath.Join(s.dir, fault)) {
		t.Errorf("the journal says that %s", cause)
	}
	if state := s.Show("ActiveState"); state != "active" {
		t.Errorf("the service is %s after the refused reload", state)
	}
	if now := s.state(); now.Limit != 3 || !slices.Equal(generations(now.Workers), before) {
		t.Errorf("limit %d, generations %v after the refused reload; before: 3, %v", now.Limit, generations(now.Workers), before)
	}
	s.get("/")
	s.configure("--limit=7")
	s.Reload()
	s.awaitNoLine("RELOAD")
	if now := s.state(); now.Limit != 7 {
		t.Errorf("limit %d after the fixed reload, want 7", now.Limit)
	}
}
