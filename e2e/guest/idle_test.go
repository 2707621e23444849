//go:build e2e

package guest

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// idlePeriod is over which an idle availd may not wake. What Go's runtime does by the
// clock, it does once a minute; every second minute it collects garbage besides, for
// which it wakes a thread for each processor and a few more. How long that computes depends
// on the machine: beside others that keep its processors busy one took 20 ms. What wakes
// seldom and computes is seen by its time: more than a five-hundredth of a processor's.
const (
	idlePeriod   = 65 * time.Second
	runtimeWakes = 12
	runtimeTime  = 100 * time.Millisecond
)

// unwatched leaves out systemd's watchdog, for which availd has to wake.
var unwatched = []string{"WatchdogSec=0"}

// asksKernel is the netlink socket by which the kernel is asked how long connections have
// waited. It stays open once somebody has waited.
const asksKernel = 1

// TestIdle: after the load availd is as it was before, and asleep.
func TestIdle(t *testing.T) {
	t.Parallel()
	s := pool{name: "idle", options: []string{"--limit=4", "--idle-timeout=1s"}, service: unwatched}.install(t)
	s.Start()
	s.state() // what is opened with the first request to the control socket is no leak
	before := s.Main().Descriptors()
	result := requests(t, s.load(8, "/"), 500)
	s.empty()
	s.awaitLine(fmt.Sprintf("0 busy, 0 idle, limit 4 | queue 0 | %d requests", result.OK))
	after := s.descriptors(len(before) + asksKernel)
	t.Logf("descriptors before: %d, after: %d", len(before), len(after))
	if !maps.Equal(before, after) && len(after) > len(before)+asksKernel {
		t.Errorf("descriptors before: %v\nafter: %v", before, after)
	}
	asleep(t, s)
}

// TestIdleWorkers: idle workers cost availd nothing either.
func TestIdleWorkers(t *testing.T) {
	t.Parallel()
	s := pool{name: "idle-workers", options: []string{"--min-spare=2"}, service: unwatched}.install(t)
	s.Start()
	s.await("two idle workers", func(st status.Service) bool { return st.Idle == 2 })
	s.awaitLine("0 busy, 2 idle, limit 100 | queue 0 | 0 requests")
	asleep(t, s)
	if n := len(s.Workers()); n != 2 {
		t.Errorf("%d workers, want the two spares", n)
	}
}

// TestIdleWatched: the watchdog of a generated unit wakes an idle service some times an
// hour, not twice in each of its periods: availd asks for a longer one, and systemd, which
// would replace an availd that is silent for as long as the unit says, does not.
func TestIdleWatched(t *testing.T) {
	t.Parallel()
	s := pool{name: "idle-watched", options: []string{"--min-spare=2"}, service: []string{"WatchdogSec=10s"}}.install(t)
	check := s.neverFailed(t)
	s.Start()
	s.await("two idle workers", func(st status.Service) bool { return st.Idle == 2 })
	harness.WaitFor(t, "a longer period of the watchdog", harness.Patience, func() bool {
		return harness.Show(t, s.Service(), "WatchdogUSec") == "3min 20s"
	})
	asleep(t, s)
	requests(t, s.load(2, "/"), 50)
	harness.WaitFor(t, "the period of the unit", harness.Patience, func() bool { return harness.Show(t, s.Service(), "WatchdogUSec") == "10s" })
	check()
}

// settle waits until what came before is over: the last line for STATUS= may come 5 s
// after the one before it, and a question to the control socket leaves a timer of 5 s
// behind, at which Go's runtime wakes although it was stopped.
func settle(t *testing.T, p harness.Process) {
	t.Helper()
	const quiet = 6 * time.Second
	last, since := p.Switches(), time.Now()
	harness.WaitFor(t, "availd to fall asleep", harness.Patience, func() bool {
		if now := p.Switches(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) >= quiet
	})
}

// descriptors waits until no more than n are open, and returns what is.
func (s *service) descriptors(n int) map[int]string {
	s.t.Helper()
	main := s.Main()
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("open at the end: %v", main.Descriptors())
		}
	})
	harness.WaitFor(s.t, fmt.Sprintf("%d descriptors", n), harness.Patience, func() bool { return len(main.Descriptors()) <= n })
	return main.Descriptors()
}

// asleep watches availd do nothing.
func asleep(t *testing.T, s *service) {
	t.Helper()
	main := s.Main()
	settle(t, main)
	cpu, switches := main.CPU(), main.Switches()
	<-time.After(idlePeriod) // the period is what is measured
	used, woken := main.CPU()-cpu, main.Switches()-switches
	t.Logf("in %v: %v of processor time, %d wake-ups", idlePeriod, used, woken)
	if used > runtimeTime || woken > runtimeWakes {
		t.Errorf("idle availd used %v and woke %d times in %v, want at most Go's %v and %d",
			used, woken, idlePeriod, runtimeTime, runtimeWakes)
	}
}
