//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// Clients on a page that costs its worker its life, and clients on a good one.
const (
	crashBad    = 2
	crashGood   = 4
	crashPool   = 8
	crashPeriod = 10 * time.Second
)

// crashWays are the pages: the worker ends with status 3, by SIGSEGV, or as the kernel
// ends it when memory has run out.
var crashWays = []string{"exit", "segv", "memory"}

// crashing is a program with such pages, and what runs it.
type crashing struct {
	name   string
	own    func(t *testing.T, port int) *rig.Availd
	peer   func(t *testing.T, port int) *rig.Server // instead: it is there to be compared with
	page   func(name string) string                 // a whole request; "" is the good page
	answer string
	ways   []string
	php    bool // it is compared with PHP's own manager
}

func (c crashing) start(t *testing.T, port int) (*rig.Server, *rig.Availd) {
	t.Helper()
	if c.peer != nil {
		return c.peer(t, port), nil
	}
	a := c.own(t, port)
	return a.Server, a
}

// TestCrashURL: what two clients can do to four others.
func TestCrashURL(t *testing.T) {
	grid := gridOf(t, fmt.Sprintf("Crashes: %d clients on a page that crashes, %d on a good one, %v, limit %d", crashBad, crashGood, crashPeriod, crashPool),
		"program, page", "good requests", "without crashing clients", "compared", "slowest good one, ≤ 1 s", "good ones failed", "pauses")
	fpm := map[string]int{}
	for _, c := range crashingPrograms(t) {
		t.Run(c.name, func(t *testing.T) { c.run(t, grid, fpm) })
	}
}

func (c crashing) run(t *testing.T, grid *rig.Grid, fpm map[string]int) {
	port := harness.Port()
	server, _ := c.start(t, port)
	alone := c.load(port, crashGood, "").Run(t)
	server.Stop()
	for _, way := range c.ways {
		port := harness.Port()
		server, availd := c.start(t, port)
		bad := make(chan rig.Result, 1)
		go func() { bad <- c.load(port, crashBad, way).Run(t) }()
		good := c.load(port, crashGood, "").Run(t)
		<-bad
		pauses := rig.Plain("–")
		if availd != nil {
			pauses = rig.Plain("%d", availd.Status(t).Counters.Throttles)
		}
		server.Stop()
		grid.Row(c.name+", "+way, append(c.judge(way, good, alone, fpm), pauses)...)
	}
}

// judge compares PHP with its own manager; the others with themselves, as two clients of
// six and the starts for them use processors, too.
func (c crashing) judge(way string, good, alone rig.Result, fpm map[string]int) []rig.Cell {
	compared := rig.Judged(float64(good.OK) >= 0.4*float64(alone.OK), "%.2f × without, ≥ 0.4", float64(good.OK)/float64(alone.OK))
	if theirs := fpm[way]; c.php {
		compared = rig.Judged(float64(good.OK) >= 0.8*float64(theirs), "%.2f × php-fpm, ≥ 0.8", float64(good.OK)/float64(theirs))
	}
	slowest, failed := judgeTime(good.Slowest, time.Second), rig.Judged(good.Failed == 0, "%d", good.Failed)
	if c.peer != nil {
		fpm[way] = good.OK
		compared, slowest, failed = rig.Plain("–"), rig.Plain("%s", ms(good.Slowest)), rig.Plain("%d", good.Failed)
	}
	return []rig.Cell{rig.Plain("%d", good.OK), rig.Plain("%d", alone.OK), compared, slowest, failed}
}

func (c crashing) load(port, clients int, way string) rig.Load {
	return rig.Load{
		Program: loader, Apart: true, Port: port, Clients: clients,
		Request: c.page(way), Answer: c.answer, For: crashPeriod,
	}
}
