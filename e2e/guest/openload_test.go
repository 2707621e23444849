//go:build e2e

package guest

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// openLoad are clients that come at random, whether or not those before them have been
// answered: what falls behind them meets a queue that grows. The benchmarks judge how fast
// the pool follows; here, beside all the other scenarios, it has to follow at all.
const (
	openRate    = 300 // a second
	openHold    = 100 * time.Millisecond
	openFor     = 15 * time.Second
	openLast    = 3 * time.Second // by then the pool has caught up
	openWorkers = 31              // with fewer the queue grows for ever
)

// TestOpenLoad: a pool whose workers do not report grows while the queue does.
func TestOpenLoad(t *testing.T) {
	for _, family := range []string{"tcp", "unix"} {
		for _, protocol := range []string{"queue", "notify"} {
			t.Run(protocol+"-"+family, func(t *testing.T) {
				t.Parallel()
				openLoad(t, protocol, family)
			})
		}
	}
}

func openLoad(t *testing.T, protocol, family string) {
	p := pool{
		name: "open-" + protocol + "-" + family, port: harness.Port(), command: fast,
		options: []string{"--limit=100", "--idle-timeout=4s", "--protocol=" + protocol},
	}
	to := harness.Addr(p.port)
	if family == "unix" {
		to = filepath.Join(filesRoot, p.name, "socket")
		p.listen = []string{"ListenStream=" + to}
	}
	s := p.install(t)
	request, answer := rig.HTTP("/sleep?ms=@@@@@")
	load := rig.Open{
		Program: filepath.Join(harness.Bench, "open"), To: to, Seed: 1, Hold: openHold, Request: request, Answer: answer,
		Profile: []rig.Segment{{For: openFor, From: openRate, To: openRate}},
	}
	running := load.Start(t)
	s.await(fmt.Sprint(openWorkers, " workers"), func(st status.Service) bool { return st.Total >= openWorkers })
	grown := rig.Now().Since(running.Begin)
	all := rig.Requests(running.Wait(t))
	last := all.Between(openFor-openLast, openFor)
	t.Logf("%d workers after %v; %d requests, the longest wait %v, of the last %v", openWorkers, grown.Round(time.Millisecond),
		len(all), all.Wait(100).Round(time.Millisecond), last.Wait(100).Round(time.Millisecond))
	if grown > openFor {
		t.Errorf("the pool grew after %v, when nobody came any more", grown)
	}
	if all.Failed() > 0 || last.Wait(50) > time.Second {
		t.Errorf("%d of %d requests failed; half of the last waited for more than %v", all.Failed(), len(all), last.Wait(50))
	}
	s.await("an empty pool", func(st status.Service) bool { return st.Total == 0 })
	if c := s.state().Counters; c.BadStarts != 0 || c.Throttles != 0 || c.Killed != 0 && protocol == "notify" {
		t.Errorf("%+v", c)
	}
}
