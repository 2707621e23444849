//go:build e2e

package guest

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// TestLostKill kills availd four times a second.
func TestLostKill(t *testing.T) {
	const limit = 4
	s := pool{name: "lost-kill", options: []string{"--limit=4"}, command: fast}.install(t)
	check := s.neverFailed(t)
	g := s.besiege(limit)
	const least = 15
	kills, last, before, begin := 0, 0, s.workersNow(), time.Now()
	strike := func() {
		if main := s.Main(); main.PID != 0 && main.PID != last && main.Alive() {
			shoot(t, main)
			kills, last = kills+1, main.PID
		}
	}
	every(250*time.Millisecond, 15*time.Second, strike)
	for kills < least && time.Since(begin) < 3*harness.Patience { // a slow machine starts the next availd later
		every(250*time.Millisecond, time.Second, strike)
	}
	g.more(100)
	t.Logf("%d SIGKILLs of availd in %v", kills, time.Since(begin).Round(time.Second))
	if kills < least {
		t.Errorf("%d SIGKILLs are no test", kills)
	}
	if now := s.workersNow(); !allKept(before, now) {
		t.Errorf("workers noticed: they were %v and are %v", before, now)
	}
	g.lift()
	if now := s.state(); now.Counters.BadStarts != 0 || now.Counters.UnknownExits != 0 || now.Total > limit {
		t.Errorf("bad starts %d, unknown ends %d, total %d", now.Counters.BadStarts, now.Counters.UnknownExits, now.Total)
	}
	check()
}

// TestLostStopped kills availd while workers are stopped, as those are that it looks
// at: to a process group that loses its last tie to its session so, the kernel sends
// SIGHUP (setpgid(2)).
func TestLostStopped(t *testing.T) {
	t.Parallel()
	s := pool{name: "lost-stopped", options: []string{"--limit=2", "--protocol=queue"}, command: fast}.install(t)
	g := s.besiege(2)
	s.await("a full pool", func(st status.Service) bool { return st.Total == 2 })
	for _, w := range s.Workers() {
		if err := unix.Kill(w.PID, unix.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		harness.WaitFor(t, "a worker to stop", harness.Patience, func() bool { return w.State() == "T" })
	}
	before, main := s.workersNow(), s.Main()
	shoot(t, main)
	s.awaitAnother(main)
	g.more(50) // the next availd has let them go on
	if now := s.workersNow(); !allKept(before, now) {
		t.Errorf("workers noticed: they were %v and are %v", before, now)
	}
	g.lift()
}

// TestLostFreeze stops availd until the watchdog acts.
func TestLostFreeze(t *testing.T) {
	t.Parallel()
	s := pool{name: "lost-freeze", options: []string{"--limit=4"}, command: fast, service: []string{"WatchdogSec=1s"}}.install(t)
	g := s.besiege(4)
	before := s.workersNow()
	for range 3 {
		s.awaitAnother(s.hang())
		g.more(50)
	}
	if now := s.workersNow(); !allKept(before, now) {
		t.Errorf("workers noticed: they were %v and are %v", before, now)
	}
	g.lift()
	s.expectSaid(3, "Watchdog timeout")
}

// TestLostWorkers kills workers: each costs the one request that it holds, and
// the pool heals.
func TestLostWorkers(t *testing.T) {
	t.Parallel()
	const limit, kills = 4, 20
	s := pool{name: "lost-workers", options: []string{"--limit=4"}, command: fast}.install(t)
	g := s.besiege(limit)
	for range kills {
		shoot(t, s.Workers()[0])
		g.more(20)
	}
	s.await("the pool to be whole", full(limit))
	quick, slow, seen := g.fast.Stop(), g.slow.Stop(), g.sampler.Stop()
	t.Logf("%d workers killed: %v\n1 client of %v: %v\nworkers: at most %d, %d in all", kills, quick, longWork, slow, seen.Max, len(seen.Pids))
	if quick.Failed+slow.Failed > kills {
		t.Errorf("%d requests failed for %d workers", quick.Failed+slow.Failed, kills)
	}
	if seen.Max > limit {
		t.Errorf("%d workers at once, the limit is %d", seen.Max, limit)
	}
	now := s.state()
	if now.LastFailure == nil || now.LastFailure.Signal == nil || *now.LastFailure.Signal != int(unix.SIGKILL) {
		t.Errorf("the last failure is %+v, want signal 9", now.LastFailure)
	}
	t.Logf("pauses for workers killed before their first answer: %d", now.Counters.Throttles)
}
