//go:build e2e

package guest

import (
	_ "embed"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
)

// counting is a worker that says at its end what it has done.
//
//go:embed testdata/counting.pl
var counting string

func counted(name string, options ...string) pool {
	return pool{name: name, options: options, command: []string{filepath.Join(filesRoot, name, "counting.pl")}}
}

func count(s *service) { s.replace("counting.pl", []byte(counting), 0o755) }

// tally is what all workers so far have accepted and answered, and how many
// workers have said so.
func (s *service) tally() (accepted, answered, workers int) {
	s.t.Helper()
	for _, m := range regexp.MustCompile(`counted (\d+) accepted, (\d+) answered`).FindAllStringSubmatch(s.Journal(), -1) {
		a, errA := strconv.Atoi(m[1])
		b, errB := strconv.Atoi(m[2])
		if errA != nil || errB != nil {
			s.t.Fatal(m[0])
		}
		accepted, answered, workers = accepted+a, answered+b, workers+1
	}
	return accepted, answered, workers
}

// TestLostStop stops the service and its socket while everybody asks: who was
// accepted is answered, the kernel turns the others away.
func TestLostStop(t *testing.T) {
	t.Parallel()
	s := counted("lost-stop", "--limit=4").install(t, count)
	for round := range 2 {
		sampler := s.Sample()
		slow := s.load(1, sleepPath(longWork)).Start()
		quick := s.load(besiegers, sleepPath(work)).Start()
		harness.WaitFor(t, "100 answers", harness.Patience, more(quick, 100))
		acceptedBefore, _, workersBefore := 0, 0, 0
		if round > 0 {
			acceptedBefore, _, workersBefore = s.tally()
		}
		begin := time.Now()
		harness.Systemctl(t, "stop", s.Socket(), s.Service())
		took := time.Since(begin)
		a, b, seen := quick.Stop(), slow.Stop(), sampler.Stop()
		accepted, answered, workers := s.tally()
		accepted, workers = accepted-acceptedBefore, workers-workersBefore
		t.Logf("the stop took %v; accepted %d, answered %d and %d long ones by %d workers (at most %d at once); never accepted %d",
			took.Round(time.Millisecond), accepted, a.OK, b.OK, workers, seen.Max, a.Failed+b.Failed)
		if accepted != a.OK+b.OK || workers != len(seen.Pids) || seen.Max > 4 {
			t.Errorf("%d accepted by %d of %d workers in all (answered %d), but %d and %d were answered",
				accepted, workers, len(seen.Pids), answered, a.OK, b.OK)
		}
		s.gone()
		harness.Systemctl(t, "start", s.Socket())
		s.fetch("/")
		s.Stop()
	}
}

// TestLostStopExtended drains for longer than the unit's own patience: availd
// asks for the time that it needs, and again when systemd has forgotten it.
func TestLostStopExtended(t *testing.T) {
	// Not beside others: a daemon-reload of theirs after the unit's patience ends it.
	s := counted("lost-extended", "--limit=4", "--stop-timeout=30s").install(t, count, func(s *service) {
		s.text += section("Service", []string{"TimeoutStopSec=6s"})
	})
	clients := s.inFlight(3, sleepPath(9*time.Second))
	begin := time.Now()
	harness.Systemctl(t, "stop", "--no-block", s.Socket(), s.Service())
	harness.WaitFor(t, "the stop to begin", harness.Patience, func() bool { return s.Show("SubState") == "stop-sigterm" })
	harness.Systemctl(t, "daemon-reload")
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	t.Logf("with TimeoutStopSec=6s the stop took %v", time.Since(begin).Round(time.Millisecond))
	for _, c := range clients {
		c.served(t)
	}
	s.gone()
	s.expectSaid(0, "timed out")
}

// TestLostStopCrashed stops the service while it waits for its restart: nobody
// is left, and the port is free.
func TestLostStopCrashed(t *testing.T) {
	t.Parallel()
	s := counted("lost-crashed", "--limit=4").install(t, count, func(s *service) {
		s.text += section("Service", []string{"RestartSec=5s"})
	})
	for _, units := range [][]string{
		{s.Socket(), s.Service()},
		{s.Service(), s.Socket()},
	} {
		clients := s.inFlight(3, sleepPath(longWork))
		workers := s.workersNow()
		shoot(t, s.Main())
		harness.WaitFor(t, "the restart to be scheduled", harness.Patience, func() bool { return s.Show("SubState") == "auto-restart" })
		if now := s.workersNow(); !allKept(workers, now) {
			t.Errorf("after the crash reap left %v of %v", now, workers)
		}
		begin := time.Now()
		harness.Systemctl(t, append([]string{"stop"}, units...)...)
		t.Logf("stop %v during auto-restart took %v", units, time.Since(begin).Round(time.Millisecond))
		for _, c := range clients {
			c.served(t)
		}
		if left := s.Processes(); len(left) != 0 {
			t.Errorf("the stop left %v", left)
		}
		harness.Systemctl(t, "start", s.Socket())
		s.fetch("/")
	}
	// The service alone: its socket stays, and a connection starts it again.
	shoot(t, s.Main())
	harness.WaitFor(t, "the restart to be scheduled", harness.Patience, func() bool { return s.Show("SubState") == "auto-restart" })
	harness.Systemctl(t, "stop", s.Service())
	s.fetch("/")
}

// TestLostStopCut is the same with workers that SIGTERM ends in the midst of what
// they do, and that are in a slice of their own.
func TestLostStopCut(t *testing.T) {
	t.Parallel()
	s := counted("lost-cut", "--limit=4").install(t, func(s *service) {
		s.write("counting.pl", strings.Replace(counting, "$SIG{TERM} =", "my $unused =", 1))
		s.text += section("Service", []string{"RestartSec=5s", "Slice=lost-cut.slice"})
	})
	clients := s.inFlight(3, sleepPath(longWork*2/3))
	shoot(t, s.Main())
	harness.WaitFor(t, "the restart to be scheduled", harness.Patience, func() bool { return s.Show("SubState") == "auto-restart" })
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	for _, c := range clients {
		c.served(t)
	}
	s.gone()
}

// TestLostRestart restarts the service twenty times.
func TestLostRestart(t *testing.T) {
	t.Parallel()
	s := pool{name: "lost-restart", options: []string{"--limit=4"}, command: fast}.install(t)
	g := s.besiege(4)
	var slowest time.Duration
	for range 20 {
		main := s.Main()
		begin := time.Now()
		s.Restart()
		slowest = max(slowest, time.Since(begin))
		if s.Main() == main {
			t.Error("restarted, but the main pid is the same")
		}
	}
	g.more(50)
	t.Logf("20 restarts, the slowest took %v", slowest.Round(time.Millisecond))
	g.lift()
}
