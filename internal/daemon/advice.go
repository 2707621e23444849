package daemon

import (
	"sync"
	"time"

	"github.com/availd/availd/internal/ceiling"
	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/status"
)

// ceilings are why the limit cannot be reached, as far as that is known when the
// options are read.
func (d *daemon) ceilings(limit int) []string {
	var pids []int
	records := d.state.Records()
	for _, r := range records {
		pids = append(pids, r.PID)
	}
	return facts(pids, string(d.cfg.Protocol)).Warnings(limit, len(records))
}

// facts are those of workers of a protocol: daemons of Postfix have a status
// channel beside the pidfd.
func facts(pids []int, protocol string) ceiling.Facts {
	f := ceiling.Read(pids)
	if protocol == string(config.ProtocolPostfix) {
		f.FilesEach = 2
	}
	return f
}

// adviceAge is how long advice is good. What it takes to find it out is not to
// be spent on each of many questions.
const adviceAge = 10 * time.Second

// advice completes the answers about a service by why its limit cannot be
// reached. Those who ask work it out, in goroutines of their own, not the loop.
type advice struct {
	mu       sync.Mutex
	at       time.Time
	limit    int // that it was about
	warnings []string
}

func (a *advice) give(s *status.Service) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.warnings == nil || a.limit != s.Limit || time.Since(a.at) > adviceAge {
		pids := make([]int, 0, len(s.Workers))
		for _, w := range s.Workers {
			pids = append(pids, w.PID)
		}
		a.at, a.limit = time.Now(), s.Limit
		a.warnings = append([]string{}, facts(pids, s.Protocol).Warnings(s.Limit, s.Total)...)
	}
	s.Warnings = a.warnings
}
