//go:build e2e

package guest

import (
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// TestMaxRequests: workers are used up, and nobody notices.
func TestMaxRequests(t *testing.T) {
	t.Parallel()
	s := pool{name: "max-requests", options: []string{"--limit=3", "--max-requests=20"}}.install(t)
	sampler := s.Sample()
	// Long enough that the signal arrives before the next request is over: what
	// is counted is when availd asks, not how long it waits for a processor.
	result := requests(t, s.load(6, "/sleep?20"), 400)
	seen, started := sampler.Stop(), int(s.state().Counters.Spawned)
	t.Logf("%d workers for %d requests, at most %d at once", started, result.OK, seen.Max)
	if started < result.OK/23 || seen.Max > 3 {
		t.Errorf("%d workers for %d requests, at most %d at once; want one for each 18 to 22, and 3", started, result.OK, seen.Max)
	}
	for _, w := range s.state().Workers {
		if *w.Requests > 2*22 { // it goes on until the signal arrives
			t.Errorf("a worker has served %d requests, want little more than 22", *w.Requests)
		}
	}
}

// TestMaxLifetime: workers grow old under load.
func TestMaxLifetime(t *testing.T) {
	t.Parallel()
	s := pool{name: "max-lifetime", options: []string{"--limit=3", "--max-lifetime=1s"}}.install(t)
	running := s.load(4, "/sleep?2").Start()
	s.await("the tenth worker", func(st status.Service) bool {
		for _, w := range st.Workers {
			if w.AgeSeconds > 5 && w.State != "retiring" { // as much as availd may have to wait for a processor
				t.Errorf("worker %d is %.1f s old and not retired", w.PID, w.AgeSeconds)
			}
		}
		return st.Counters.Spawned >= 10
	})
	allServed(t, running.Stop())
}

// TestSpares: an idle pool shrinks to its spares, and keeps them.
func TestSpares(t *testing.T) {
	t.Parallel()
	s := pool{name: "spares", options: []string{"--limit=6", "--min-spare=2", "--idle-timeout=1s"}}.install(t)
	running := s.load(12, "/sleep?5").Start()
	s.await("a full pool", full(6))
	allServed(t, running.Stop())
	s.await("two spares", func(st status.Service) bool { return st.Idle == 2 && st.Total == 2 })
	started := s.state().Counters.Spawned
	harness.Stays(t, "two workers", 3*time.Second, func() bool { return len(s.Workers()) == 2 })
	if now := s.state().Counters.Spawned; now != started {
		t.Errorf("%d workers were started while nobody came", now-started)
	}
}

// TestDeaf: an idle worker that ignores the signal has 30 s.
func TestDeaf(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 30 s")
	}
	t.Parallel()
	s := pool{name: "deaf", options: []string{"--idle-timeout=1s"}}.install(t, knob("deaf", ""))
	s.get("/")
	begin := time.Now()
	harness.WaitFor(t, "the worker to be killed", 50*time.Second, func() bool { return len(s.Workers()) == 0 })
	took := time.Since(begin)
	t.Logf("killed after %v", took.Round(10*time.Millisecond))
	if took < 30*time.Second || took > 45*time.Second {
		t.Errorf("killed after %v, want 1 s and 30 s", took)
	}
	s.expectEvents(1, event.RetireIgnored, "AVAILD_SIGNAL=SIGKILL")
	if n := s.state().Counters.BadStarts; n != 0 {
		t.Errorf("%d bad starts: told to retire is no failure", n)
	}
}

// TestStartTimeout: a worker that is never ready is aborted, then killed.
func TestStartTimeout(t *testing.T) {
	t.Parallel()
	s := pool{name: "start-timeout", options: []string{"--start-timeout=3s", "--throttle=5s"}}.install(t, knob("hang", ""), knob("hard", ""))
	c := s.client()
	s.awaitLine("THROTTLED until")
	s.unknob("hang")
	c.served(t)
	kill := s.awaitEvents(1, event.NotReady, "AVAILD_SIGNAL=SIGKILL")[0]
	s.expectEvents(1, event.NotReady, "AVAILD_SIGNAL=SIGABRT")
	s.expectEvents(1, event.Throttled)
	abort := s.events(event.NotReady, "AVAILD_SIGNAL=SIGABRT")[0]
	if grace := kill.second(t) - abort.second(t); grace < 4.5 || grace > 15 {
		t.Errorf("%.1f s between SIGABRT and SIGKILL, want 5", grace)
	}
}

// TestBusyTimeout: a job that takes too long costs its worker, not the others.
func TestBusyTimeout(t *testing.T) {
	t.Parallel()
	s := pool{name: "busy-timeout", options: []string{"--busy-timeout=2s", "--limit=3"}}.install(t)
	hung := s.inFlight(1, "/hang")[0]
	running := s.load(2, "/").Start()
	if err := <-hung.answer; err == nil {
		t.Error("a request that hangs was answered")
	}
	allServed(t, running.Stop())
	s.expectEvents(1, event.BusyTimeout, "AVAILD_SIGNAL=SIGABRT")
	s.expectEvents(0, event.Throttled)
	if took := time.Since(hung.begun); took < 2*time.Second || took > 20*time.Second {
		t.Errorf("aborted after %v, want 2 s", took)
	}
}

// TestWorkerWatchdog: a worker that beats lives, one that falls silent does not.
func TestWorkerWatchdog(t *testing.T) {
	t.Parallel()
	s := pool{name: "worker-watchdog", options: []string{"--worker-watchdog=2s"}}.install(t, knob("beat", ""))
	first := s.get("/")
	harness.Stays(t, "the same worker", 4*time.Second, func() bool {
		workers := s.Workers()
		return len(workers) == 1 && workers[0].PID == first.PID
	})
	hung := s.inFlight(1, "/hang")[0]
	if err := <-hung.answer; err == nil {
		t.Error("a request that hangs was answered")
	}
	s.expectEvents(1, event.WatchdogMissed, "AVAILD_SIGNAL=SIGABRT")
	s.get("/")
}
