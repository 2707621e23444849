//go:build e2e

package guest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// slowStart is how long the slow worker takes to be ready.
const slowStart = 100 * time.Millisecond

// slow is a pool whose workers take their time to start, so that a rolling restart
// takes some too.
func slow(name string, options ...string) pool {
	return pool{name: name, options: options, command: []string{filepath.Join(filesRoot, name, "slow.pl")}}
}

// fix writes the worker of slow, which waits at the gate if there is one; spoil
// one that ends at once.
func fix(s *service) {
	const text = "#!/usr/bin/perl\nselect undef, undef, undef, %v;\n" +
		"if (open my $gate, '+<', '%s') { sysread $gate, my $byte, 1 }\nexec '%s';\n"
	s.replace("slow.pl", fmt.Appendf(nil, text, slowStart.Seconds(), filepath.Join(s.dir, gateName), fast[0]), 0o755)
}

func spoil(s *service) { s.replace("slow.pl", []byte("#!/usr/bin/perl\nexit 1;\n"), 0o755) }

// youngest is the latest generation.
func (s *service) youngest() (latest uint64) {
	s.t.Helper()
	for _, w := range s.state().Workers {
		latest = max(latest, w.Generation)
	}
	return latest
}

// replaced waits until no worker up to that generation is left.
func (s *service) replaced(last uint64) {
	s.t.Helper()
	s.await("all workers to be replaced", func(st status.Service) bool {
		for _, w := range st.Workers {
			if w.Generation <= last {
				return false
			}
		}
		return st.Total > 0
	})
}

// TestLostReload reloads twenty times. Nobody waits longer than for a worker's
// start, and what the clients of a pool beside it wait that is not reloaded: so much
// the machine itself takes.
func TestLostReload(t *testing.T) {
	t.Parallel()
	s := slow("lost-reload", "--limit=12").install(t, fix)
	begin := time.Now()
	s.Start()
	s.fetch(sleepPath(work))
	start := time.Since(begin)
	beside := slow("lost-reload-beside", "--limit=2", "--min-spare=1").install(t, fix)
	beside.fetch(sleepPath(work))
	g, bystander := s.besiege(12), beside.load(1, sleepPath(work)).Start()
	quiet := s.load(1, sleepPath(work)).For(2 * time.Second).Slowest // in the same queue
	var slowest time.Duration
	for i := range 20 {
		limit := 12 // never full: one more worker than clients could be started
		if i >= 17 {
			limit = 6 // always full
		}
		s.configure(fmt.Sprint("--limit=", limit))
		last := s.youngest()
		begin := time.Now()
		s.Reload()
		took := time.Since(begin)
		slowest = max(slowest, took)
		for _, w := range s.state().Workers {
			if w.Generation <= last && w.State != "retiring" {
				t.Errorf("reloaded, but worker %d of generation %d is %s", w.PID, w.Generation, w.State)
			}
		}
	}
	t.Logf("20 reloads, the slowest took %v; a start with its request took %v, requests before the reloads at most %v",
		slowest.Round(time.Millisecond), start.Round(time.Millisecond), quiet.Round(time.Millisecond))
	r, stalls := g.lift(), bystander.Stop().Slowest
	t.Logf("a client of another pool waited at most %v meanwhile", stalls.Round(time.Millisecond))
	if r.Slowest > start+quiet+stalls+noise {
		t.Errorf("a request took %v; a worker's start with its work took %v, and one beside it %v", r.Slowest, start, stalls)
	}
	s.expectEvents(20, event.Reloaded)
	if n := len(s.events(event.StressBegins)); n != 0 {
		t.Errorf("reloads were taken for demand %d times", n)
	}
}

// noise is what a machine that runs other scenarios beside this one may add to
// a request.
const noise = time.Second

// TestLostReloadBroken reloads into workers that end at once, and a file that
// cannot be read.
func TestLostReloadBroken(t *testing.T) {
	t.Parallel()
	s := slow("lost-broken", "--limit=4").install(t, fix)
	g := s.besiege(4)
	old := s.state()
	spoil(s)
	refused := func(says string) {
		t.Helper()
		if out, err := harness.Run("systemctl", "reload", s.Service()); err == nil {
			t.Errorf("systemctl reload succeeds: %s", out)
		}
		if line := s.awaitLine("RELOAD FAILED: "); !strings.Contains(line, says) {
			t.Errorf("STATUS=%q does not say %q", line, says)
		}
		g.more(50)
		now := s.state()
		if len(now.Workers) < 3 || !shares(now.Workers, old.Workers) {
			t.Errorf("after the refused reload: generations %v, before: %v", generations(now.Workers), generations(old.Workers))
		}
	}
	refused("") // which the event tells
	s.awaitEvents(1, event.ReloadFailed, reason(event.BadEnd), "AVAILD_EXIT_STATUS=1")
	fix(s)
	s.configure("--limit=4", "--idle-timeout=soon")
	refused("lost-broken.conf:2: idle-timeout=soon")
	s.configure("--limit=4", "--max-lifetme=1s")
	refused("lost-broken.conf:2: max-lifetme")
	s.configure("--limit=4")
	last := s.youngest()
	s.Reload()
	s.replaced(last)
	s.awaitNoLine("RELOAD")
	g.more(50)
	g.lift()
}

// TestLostLimits moves the limit up and down by reloads.
func TestLostLimits(t *testing.T) {
	t.Parallel()
	s := slow("lost-limits", "--limit=2").install(t, fix)
	g := s.besiege(8)
	for _, limit := range []int{8, 3, 6, 2} {
		s.configure(fmt.Sprint("--limit=", limit))
		s.Reload()
		s.await(fmt.Sprint(limit, " workers"), func(st status.Service) bool {
			return st.Limit == limit && st.Total == limit
		})
		sampler := s.Sample()
		g.more(30)
		if seen := sampler.Stop(); seen.Max > limit {
			t.Errorf("%d workers at once after the limit became %d", seen.Max, limit)
		}
	}
	g.lift()
}

// TestLostReloadKilled kills availd in the middle of rolling restarts: the next one
// goes on with them.
func TestLostReloadKilled(t *testing.T) {
	t.Parallel()
	s := slow("lost-reload-killed", "--limit=4").install(t, fix)
	g := s.besiege(4)
	for i := range 4 {
		before, last, main := s.workersNow(), s.youngest(), s.Main()
		way := s.shut()
		done := background("systemctl", "reload", s.Service())
		harness.WaitFor(t, "a worker of the new revision", harness.Patience, func() bool { return !allKept(s.workersNow(), before) })
		if i%2 == 1 { // while it is started, or when it serves
			way.pass(t, 1)
			harness.WaitFor(t, "the first of the old to leave", harness.Patience, func() bool { return !allKept(before, s.workersNow()) })
		}
		shoot(t, main)
		s.awaitAnother(main)
		if err := <-done; err == nil {
			t.Error("systemctl reload succeeds, although availd was killed meanwhile")
		}
		way.open(t)
		s.replaced(last)
	}
	g.more(50)
	g.lift()
	if now := s.state(); now.Counters.BadStarts != 0 {
		t.Errorf("%d bad starts", now.Counters.BadStarts)
	}
}

// TestLostSessions: sessions that last are not cut by a reload, by the restarts
// at the beginning of stress, nor by a killed availd.
func TestLostSessions(t *testing.T) {
	t.Parallel()
	s := pool{name: "lost-sessions", options: []string{"--limit=6", "--stress=restart"}, command: fast}.install(t)
	s.fetch("/")
	sessions := s.inFlight(2, sleepPath(12*time.Second))
	g := s.besiege(6) // fills the pool
	s.awaitEvents(1, event.StressBegins)
	for range 2 {
		s.Reload()
		g.more(50)
	}
	main := s.Main()
	shoot(t, main)
	s.awaitAnother(main)
	s.Reload()
	g.more(50)
	for _, c := range sessions {
		c.served(t)
	}
	g.lift()
	if now := s.state(); now.Counters.Killed != 0 {
		t.Errorf("%d workers were killed", now.Counters.Killed)
	}
}
