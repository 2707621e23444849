//go:build e2e

package guest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// versions are the two programs that take turns, and what they say of
// themselves.
var versions = []struct{ path, version string }{
	{harness.Availd, "0.0.1"},
	{harness.Next, "0.0.2"},
}

// upgradable is a besieged pool whose availd can be replaced.
func upgradable(t *testing.T, name string, options ...string) (*service, *siege) {
	t.Helper()
	s := pool{name: name, options: append(options, "--limit=4"), command: fast}.inPlace().
		install(t, func(s *service) { s.deploy(harness.Availd) })
	return s, s.besiege(4)
}

// TestLostUpgrade replaces availd twenty times, each time by another program.
func TestLostUpgrade(t *testing.T) {
	t.Parallel()
	s, g := upgradable(t, "lost-upgrade")
	main, workers := s.Main(), s.workersNow()
	started, requests := main.Started(), *s.state().Counters.Requests
	var slowest time.Duration
	for i := range 20 {
		next := versions[(i+1)%2]
		s.deploy(next.path)
		begin := time.Now()
		out := harness.MustRun(t, harness.Availd, "upgrade", s.Name)
		slowest = max(slowest, time.Since(begin))
		if !strings.Contains(out, " "+next.version+", ") {
			t.Errorf("availd upgrade says %q, want version %s", out, next.version)
		}
		now := s.state()
		if now.Version != next.version || now.MainPID != main.PID || s.Main() != main || main.Started() != started {
			t.Errorf("version %s, pid %d; want %s, %d", now.Version, now.MainPID, next.version, main.PID)
		}
		if *now.Counters.Requests < requests {
			t.Errorf("%d requests after %d: the counters began anew", *now.Counters.Requests, requests)
		}
		requests = *now.Counters.Requests
	}
	t.Logf("20 upgrades, the slowest took %v", slowest.Round(time.Millisecond))
	s.deploy(harness.Next)
	s.Signal(unix.SIGUSR2) // the other way to ask for one
	s.awaitEvents(1, event.Upgraded, "AVAILD_VERSION=0.0.2")
	g.more(50)
	if now := s.workersNow(); !allKept(workers, now) || len(now) != len(workers) {
		t.Errorf("workers noticed: they were %v and are %v", workers, now)
	}
	g.lift()
	if n := s.ShowInt("NRestarts"); n != 0 {
		t.Errorf("systemd has restarted availd %d times", n)
	}
}

// impostors are programs that must not take availd's place, and what is said of
// them.
var impostors = []struct{ name, program, says, reason string }{
	{"crashes", "#!SHELL\necho no such luck >&2\nexit 1\n", "exit status 1: no such luck", ""},
	{"hangs", "#!SHELL\nkill -STOP $$\n", "", event.TrialLate.Name},
	{"is another program", "#!SHELL\nexit 0\n", "", event.TrialSilent.Name},
	{"is damaged", "\x7fELF and nothing more", "exec format error", ""},
	{"cannot be executed", "", "permission denied", ""},
	{"is gone", "", "no such file or directory", ""},
}

// impose puts an impostor at the place of availd. Its interpreter has availd's
// name, or the sampler would take it for a worker.
func (s *service) impose(program string, mode os.FileMode) (path string) {
	s.t.Helper()
	shell := filepath.Join(s.dir, "shell", "availd")
	s.disguise("/bin/sh", shell)
	return s.replace("availd", []byte(strings.Replace(program, "SHELL", shell, 1)), mode)
}

// TestLostUpgradeRefused has availd refuse what is no availd, and go on.
func TestLostUpgradeRefused(t *testing.T) {
	t.Parallel()
	s, g := upgradable(t, "lost-refused")
	main, workers := s.Main(), s.workersNow()
	for _, r := range impostors {
		mode := os.FileMode(0o755)
		if r.says == "permission denied" {
			mode = 0o644
		}
		target := s.impose(r.program, mode)
		if r.name == "is gone" {
			if err := os.Remove(target); err != nil {
				t.Fatal(err)
			}
		}
		ok, _ := g.fast.Done()
		begin := time.Now()
		out, err := harness.Run(harness.Availd, "upgrade", s.Name)
		took := time.Since(begin)
		served, _ := g.fast.Done()
		t.Logf("%s: %v, %d answers meanwhile: %s", r.name, took.Round(time.Millisecond), served-ok, out)
		if err == nil || !strings.Contains(out, r.says) {
			t.Errorf("%s: availd upgrade says %q, %v; want %q", r.name, out, err, r.says)
		}
		harness.WaitFor(t, "the journal to say why", harness.Patience, seldom(func() bool {
			return slices.ContainsFunc(s.events(event.UpgradeRefused), func(m message) bool {
				cause := m.text("AVAILD_CAUSE")
				return strings.Contains(cause, target) && strings.Contains(cause, r.says) && m.text("AVAILD_REASON") == r.reason
			})
		}))
		if took > 20*time.Second {
			t.Errorf("%s: refused after %v", r.name, took)
		}
	}
	g.more(50)
	if now := s.workersNow(); s.Main() != main || !allKept(workers, now) {
		t.Errorf("main pid %d, workers %v; before: %d, %v", s.Main().PID, now, main.PID, workers)
	}
	s.deploy(harness.Next)
	if out := harness.MustRun(t, harness.Availd, "upgrade", s.Name); !strings.Contains(out, " 0.0.2, ") {
		t.Errorf("availd upgrade says %q", out)
	}
	g.more(50)
	g.lift()
}

// TestLostUpgradeKilled kills availd at every moment of an upgrade, and while a
// program is on trial that never answers.
func TestLostUpgradeKilled(t *testing.T) {
	t.Parallel()
	s, g := upgradable(t, "lost-upgrade-killed")
	workers := s.workersNow()
	for i := range 8 {
		s.deploy(versions[(i+1)%2].path)
		main := s.Main()
		done := background(harness.Availd, "upgrade", s.Name)
		<-time.After(time.Duration(i) * 12 * time.Millisecond)
		shoot(t, main)
		s.awaitAnother(main)
		t.Logf("killed %d ms after the request: %v", i*12, <-done)
		g.more(10)
	}
	s.deploy(harness.Next)
	s.impose(impostors[1].program, 0o755)
	main := s.Main()
	done := background(harness.Availd, "upgrade", s.Name)
	harness.WaitFor(t, "the trial", harness.Patience, func() bool { return len(s.Processes()) > len(workers)+1 })
	s.deploy(harness.Availd)
	shoot(t, main)
	<-done
	s.awaitAnother(main)
	g.more(50)
	now := s.workersNow()
	if !allKept(workers, now) || len(now) != len(workers) {
		t.Errorf("workers noticed, or a trial is left: they were %v and are %v", workers, now)
	}
	g.lift()
}
