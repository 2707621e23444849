//go:build e2e

package guest

import (
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// TestLostIgnoring reloads while all workers ignore the retire signal. They serve
// on as long as there is somebody to be served, so that there is no room for a test of
// the new revision and the reload says so; and are killed when they have been idle for
// half a minute.
func TestLostIgnoring(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 45 s")
	}
	t.Parallel()
	s := pool{name: "lost-deaf", options: []string{"--limit=3"}}.install(t, knob("deaf", ""))
	g := s.besiegeWith(3, "/sleep?20", "/sleep?3000")
	s.await("a full pool", full(3))
	deaf := s.workersNow()
	s.unknob("deaf")
	begin := time.Now()
	if out, err := harness.Run("systemctl", "reload", s.Service()); err == nil {
		t.Errorf("the reload is over although no worker has exited: %s", out)
	}
	t.Logf("the reload took %v", time.Since(begin).Round(time.Millisecond))
	g.more(50)
	g.kept(deaf)
	begin = time.Now() // the clients stop; on a loaded machine it is long before that is known of all
	g.lift()
	harness.WaitFor(t, "the deaf workers to be killed", 100*time.Second, func() bool { return noneKept(deaf, s.workersNow()) })
	took := time.Since(begin)
	t.Logf("killed after %v", took.Round(10*time.Millisecond))
	// The first makes room for the test, and only then are the others asked.
	if took < 50*time.Second || took > 100*time.Second {
		t.Errorf("killed %v after the last request, want twice 30 s", took)
	}
	g = s.besiegeWith(3, "/sleep?20", "/sleep?3000")
	g.lift()
	if now := s.state(); now.Counters.BadStarts != 0 || now.ThrottledUntil != nil {
		t.Errorf("%d bad starts: told to retire is no failure", now.Counters.BadStarts)
	}
}

// TestLostHung: a worker whose job never ends is waited for --retire-timeout
// after the reload, and costs that one client.
func TestLostHung(t *testing.T) {
	t.Parallel()
	s := pool{name: "lost-hung", options: []string{"--limit=5", "--retire-timeout=2s"}}.install(t)
	hung := s.inFlight(1, "/hang")[0]
	worker := s.workersNow()
	g := s.besiegeWith(5, "/sleep?20", "/sleep?1500")
	begin := time.Now()
	s.Reload()
	g.more(30)
	if err := <-hung.answer; err == nil {
		t.Error("a request that hangs was answered")
	}
	took := time.Since(begin)
	t.Logf("killed %v after the reload", took.Round(time.Millisecond))
	if took < 2*time.Second || took > harness.Patience {
		t.Errorf("killed %v after the reload, want 2 s", took)
	}
	s.await("another worker", full(5))
	if now := s.workersNow(); !noneKept(worker, now) {
		t.Errorf("worker %v is among %v", worker, now)
	}
	g.lift()
	s.expectEvents(1, event.RetireTimeout)
}
