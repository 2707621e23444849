//go:build e2e

package guest

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
)

// plain takes the sandbox of the generated unit away, whose mounts cost more
// than all the rest of a start.
var plain = []string{
	"DynamicUser=no", "PrivateTmp=no", "PrivateDevices=no", "ProtectSystem=no", "ProtectHome=no",
	"ProtectKernelTunables=no", "ProtectKernelModules=no", "ProtectKernelLogs=no", "ProtectControlGroups=no",
	"ProtectClock=no", "ProtectHostname=no", "RestrictNamespaces=no", "RestrictRealtime=no", "RestrictSUIDSGID=no",
	"LockPersonality=no", "SystemCallFilter=", "SystemCallArchitectures=", "RestrictAddressFamilies=",
}

// TestLostIdle has availd leave as soon as there is nothing to do, five hundred
// times, while the next clients come at every moment of it.
func TestLostIdle(t *testing.T) {
	const exits, least, limit, patience, longest = 500, 50, 4, 45 * time.Second, 4 * time.Minute
	s := pool{
		name: "lost-idle", command: fast, service: plain,
		options: []string{"--limit=4", "--idle-timeout=5ms", "--exit-idle-time=5ms"},
	}.install(t)
	check, sampler := s.neverFailed(t), s.Sample()
	var served, failed int
	var slowest time.Duration
	begin, starts := time.Now(), map[string]bool{}
	goesOn := func() bool { // a busy machine may start availd less than once a second
		took := time.Since(begin)
		return len(starts) < exits && took < patience || len(starts) < least && took < longest
	}
	for i := 0; goesOn(); i++ {
		for _, v := range s.volley(besiegers) {
			if v.err != nil {
				failed++
				t.Error(v.err)
				continue
			}
			served, slowest = served+1, max(slowest, v.took)
		}
		if id := s.invocation(); id != "" {
			starts[id] = true
		}
		s.lull(i)
	}
	took := time.Since(begin)
	harness.WaitFor(t, "availd to leave", harness.Patience, func() bool { return len(s.Processes()) == 0 })
	seen := sampler.Stop()
	t.Logf("%d idle exits in %.1f s: served %d, failed %d, slowest %v; workers: at most %d, %d in all",
		len(starts), took.Seconds(), served, failed, slowest.Round(time.Millisecond), seen.Max, len(seen.Pids))
	if seen.Max > limit || len(starts) < least {
		t.Errorf("at most %d workers, %d starts", seen.Max, len(starts))
	}
	check()
}

type shot struct {
	took time.Duration
	err  error
}

// volley is one request of each client at once.
func (s *service) volley(clients int) []shot {
	shots := make([]shot, clients)
	var all sync.WaitGroup
	for i := range shots {
		all.Go(func() {
			begin := time.Now()
			_, err := s.load(1, "/").Get()
			shots[i] = shot{time.Since(begin), err}
		})
	}
	all.Wait()
	return shots
}

// lull lets availd leave, or comes before, in and after its leaving.
func (s *service) lull(i int) {
	s.t.Helper()
	if i%4 == 0 {
		<-time.After(time.Duration(i%29) * time.Millisecond)
		return
	}
	harness.WaitFor(s.t, "availd to leave", harness.Patience, func() bool { return len(s.Processes()) == 0 })
}

// invocation tells the starts of the service apart; it reads what systemd keeps
// in a link, which costs less than asking. It is "" when the service has left.
func (s *service) invocation() string {
	id, err := os.Readlink("/run/systemd/units/invocation:" + s.Service())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Error(err)
	}
	return id
}
