package daemon

import (
	"log/slog"
	"sync"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/limits"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/internal/status"
)

// ceilings are why the limit cannot be reached, as far as that is known when the
// options are read.
func (d *daemon) ceilings(limit int) []event.Line {
	var pids []int
	records := d.state.Records()
	for _, r := range records {
		pids = append(pids, r.PID)
	}
	return warnings(facts(pids, d.cfg.Protocol.Name, procfs.Anonymous), limit, len(records))
}

// facts are those of workers of a protocol, by name, whose workers may have a status channel
// beside the pidfd.
func facts(pids []int, name string, memoryOf func(int) (int64, bool)) limits.Facts {
	f := limits.Read(pids, memoryOf)
	if p := protocol.Find(name); p != nil {
		f.FilesEach = p.Files()
	}
	return f
}

// warnings are the messages about what bounds a pool.
func warnings(f limits.Facts, limit, running int) (lines []event.Line) {
	for _, b := range f.Bounds(limit, running) {
		fields := []slog.Attr{event.Reachable(b.Reachable), event.Limit(limit)}
		switch b.By {
		case limits.ByTasks:
			lines = append(lines, event.LimitTasks.With(fields...))
		case limits.ByFiles:
			lines = append(lines, event.LimitDescriptors.With(append(fields, event.Each(b.Each))...))
		case limits.ByProcesses:
			lines = append(lines, event.LimitProcesses.With(fields...))
		case limits.ByMemory:
			lines = append(lines, event.LimitMemory.With(append(fields, event.Size(b.EachBytes))...))
		}
	}
	return lines
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
	memory   *procfs.Memory // of a worker that was forked; nil = none was looked at
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
		a.warnings = []string{}
		memoryOf := procfs.Anonymous
		if a.memory = nil; s.Template != nil { // pages that forks share are nobody's own
			a.memory, memoryOf = meanMemory(pids), proportional
		}
		for _, w := range warnings(facts(pids, s.Protocol, memoryOf), s.Limit, s.Total) {
			a.warnings = append(a.warnings, w.String())
		}
	}
	s.Warnings = a.warnings
	if m := a.memory; m != nil && s.Template != nil {
		s.Template.WorkerMemory, s.Template.WorkerPrivate, s.Template.WorkerShared = &m.Proportional, &m.Private, &m.Shared
	}
}

func proportional(pid int) (int64, bool) {
	m, ok := procfs.MemoryOf(pid)
	return m.Proportional, ok
}

// memorySamples is how many workers are looked at: they are all alike.
const memorySamples = 16

// meanMemory is the mean of some workers, nil if none can be looked at.
func meanMemory(pids []int) *procfs.Memory {
	var sum procfs.Memory
	n := int64(0)
	for i := 0; i < len(pids) && n < memorySamples; i++ {
		if m, ok := procfs.MemoryOf(pids[i]); ok {
			sum.Proportional, sum.Private, sum.Shared = sum.Proportional+m.Proportional, sum.Private+m.Private, sum.Shared+m.Shared
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &procfs.Memory{Proportional: sum.Proportional / n, Private: sum.Private / n, Shared: sum.Shared / n}
}
