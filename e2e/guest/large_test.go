//go:build e2e

package guest

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// clients is a closed loop in a program of its own, as light as it can be.
func (s *service) clients(n int, path string, period time.Duration) rig.Load {
	s.t.Helper()
	load := rig.Load{Program: filepath.Join(harness.Bench, "load"), Apart: true, Clients: n, For: period}
	if _, err := fmt.Sscanf(s.addr, "127.0.0.1:%d", &load.Port); err != nil {
		s.t.Fatalf("%s: %v", s.addr, err)
	}
	load.Request, load.Answer = rig.HTTP(path)
	return load
}

// TestLargePool: a pool of more workers than systemd's default limit of descriptors, under
// the unit as it is generated, outlives a crash of availd, an upgrade and a reload. It runs
// before the parallel tests: a crash makes systemd look at and log each of its processes, and
// the others of this machine get no answer meanwhile.
func TestLargePool(t *testing.T) {
	const size = 1100
	s := pool{
		name: "large", command: fast,
		options: []string{fmt.Sprint("--limit=", size), fmt.Sprint("--min-spare=", size), "--max-starting=64", "--idle-timeout=1h"},
	}.install(t)
	s.Start()
	all := func(st status.Service) bool { return st.Total == size && st.Starting == 0 }
	harness.WaitFor(t, "the workers", 8*harness.Patience, seldom(func() bool { return all(s.state()) }))
	before, main := s.workersNow(), s.Main()
	result := make(chan rig.Result, 1)
	go func() { result <- s.clients(4, "/sleep?ms=20", 10*time.Second).Run(t) }()
	begin := time.Now()
	shoot(t, main)
	s.awaitAnother(main)
	s.await("all workers to be adopted", func(st status.Service) bool { return all(st) && st.Counters.Adopted == size })
	t.Logf("adopted %v after the kill", time.Since(begin).Round(time.Millisecond))
	harness.MustRun(t, harness.Availd, "upgrade", s.Name)
	if now := s.workersNow(); !allKept(before, now) || len(now) != size {
		t.Errorf("%d workers, some of which were not there before", len(now))
	}
	if warnings := s.state().Warnings; len(warnings) > 0 { // nothing of the unit is too small for it
		t.Errorf("the generated unit is warned of: %q", warnings)
	}
	s.expectEvents(0, event.StoreLimit)
	s.expectEvents(0, event.StoreSize)
	if n := s.ShowInt("NRestarts"); n > 2 {
		t.Errorf("%d attempts were needed", n)
	}
	begin = time.Now()
	s.Reload()
	t.Logf("reloaded in %v", time.Since(begin).Round(time.Millisecond))
	if r := <-result; r.Failed != 0 || r.OK == 0 {
		t.Errorf("%d requests failed of %d", r.Failed, r.OK+r.Failed)
	}
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	s.gone()
}
