//go:build e2e

package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/status"
)

// large is a pool of so many idle workers under the unit that availd units writes, with
// clients that ask while something is done to it.
type large struct {
	t    *testing.T
	unit *harness.Unit
	load rig.Load
	size int
	lost int // requests, in all
}

// TestLargePool: crash, upgrade, reload and stop of pools of many sizes.
func TestLargePool(t *testing.T) {
	grid := gridOf(t, "Large pools, under the generated unit: 4 clients, requests of 20 ms",
		"workers", "there after", "adopted after SIGKILL, ≤ 1 s", "lost workers, 0", "upgrade", "reload", "stop", "most processes at once, ≤ workers + 3", "failed requests, 0")
	for _, size := range []int{100, 650, 1100, 3000, 5000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { largePool(t, grid, size) })
	}
}

func largePool(t *testing.T, grid *rig.Grid, size int) {
	port, n := harness.Port(), fmt.Sprint(size)
	unit := startUnits(t, port, "--protocol=notify", "--limit="+n, "--min-spare="+n, "--max-starting=64", "--idle-timeout=1h")
	request, answer := rig.HTTP("/sleep?ms=20")
	p := &large{t: t, unit: unit, size: size, load: rig.Load{
		Program: loader, Apart: true, Port: port, Clients: 4, Request: request, Answer: answer, For: 3 * time.Second,
	}}
	begin := time.Now()
	unit.Start()
	p.await("all workers", func(s status.Service) bool { return s.Total == size && s.Starting == 0 })
	start := time.Since(begin)
	// Each worker's descriptor is kept by systemd after a second of its life. A crash before
	// that is over is found late, as systemd compares each with all others.
	harness.WaitFor(t, "the descriptors to be stored", 4*harness.Patience, func() bool { return unit.ShowInt("NFileDescriptorStore") >= min(size, loop.StoredMost) })
	before, watch := p.pids(), p.watch()
	killed := p.during(func() {
		main := unit.Main().PID
		unit.Signal(unix.SIGKILL)
		p.await("all workers to be adopted", func(s status.Service) bool { return s.MainPID != main && s.Total >= size })
	})
	kept := p.pids()
	lost := len(slices.DeleteFunc(before, func(pid int) bool { return slices.Contains(kept, pid) }))
	upgrade := p.during(func() { harness.MustRun(t, harness.Availd, "upgrade", unit.Name) })
	reload := p.during(unit.Reload)
	p.await("the older workers to be gone", func(s status.Service) bool { return s.Retiring == 0 })
	most := watch()
	begin = time.Now()
	harness.Systemctl(t, "stop", unit.Socket(), unit.Service())
	stop := time.Since(begin)
	grid.Row(n, judgeTime(start, time.Hour), judgeTime(killed, time.Second), rig.Judged(lost == 0, "%d", lost), judgeTime(upgrade, time.Hour),
		judgeTime(reload, time.Hour), judgeTime(stop, time.Hour), rig.Judged(most <= size+3, "%d", most), rig.Judged(p.lost == 0, "%d", p.lost))
}

// watch counts the processes of the unit until the returned function is called, which
// tells the largest number seen: workers, availd, and what reloads it or is tried for an
// upgrade.
func (p *large) watch() (most func() int) {
	stop, seen := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			began := time.Now()
			n = max(n, len(p.unit.Processes()))
			select {
			case <-harness.Again(20*time.Millisecond, began):
			case <-stop:
				seen <- n
				return
			}
		}
	}()
	return func() int { close(stop); return <-seen }
}

// during has the clients ask while something is done, which takes so long.
func (p *large) during(what func()) (took time.Duration) {
	p.t.Helper()
	load := p.load
	result := make(chan rig.Result, 1)
	go func() { result <- load.Run(p.t) }()
	<-time.After(load.For / 6) // so that they are under way
	begin := time.Now()
	what()
	took = time.Since(begin)
	p.lost += (<-result).Failed
	return took
}

func (p *large) pids() (all []int) {
	for _, w := range p.state().Workers {
		all = append(all, w.PID)
	}
	return all
}

func (p *large) ask() (status.Service, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), harness.Patience)
	defer cancel()
	return control.Client{Path: filepath.Join("/run/availd", p.unit.Name, "control")}.Status(ctx)
}

func (p *large) state() status.Service {
	p.t.Helper()
	s, err := p.ask()
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *large) await(what string, is func(status.Service) bool) {
	p.t.Helper()
	harness.WaitFor(p.t, what, 4*harness.Patience, func() bool {
		s, err := p.ask()
		return err == nil && is(s)
	})
}
