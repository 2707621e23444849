//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestHerd: what a request costs the machine when many workers are idle beside the one that
// serves it. The kernel should wake one of them, not all.
func TestHerd(t *testing.T) {
	const rounds, one, lasts = 3, 1, 2 * time.Second
	grid := gridOf(t, "Herd: requests of 0 ms, one client, idle workers", "worker, idle workers", "CPU of the machine a request",
		"with one", "ratio, ≤ 1.2", "failed, 0")
	for _, c := range []struct {
		name    string
		many    int
		command []string
	}{
		{"C", 1000, []string{httpC}},
		{"C, board", 1000, []string{httpCB}},
		{"Go, package worker", 1000, []string{harness.Workers + "/http-go"}},
		{"Python", 300, []string{"/usr/bin/python3", harness.Examples + "/http-python/worker.py"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			series, failed := rig.Series{}, 0
			request, answer := rig.HTTP("/")
			pools := map[int]entrant{}
			for _, n := range []int{one, c.many} {
				port, size := harness.Port(), fmt.Sprint(n)
				a := rig.StartAvaild(t, harness.Availd, port, []string{
					"--protocol=notify", "--limit=" + size, "--min-spare=" + size, "--max-starting=8", "--idle-timeout=1h",
				}, c.command...)
				a.AwaitIdle(t, n)
				pools[n] = entrant{size, port, a.Server}
			}
			rig.Rounds(rounds, []int{one, c.many}, func(n int) {
				e := pools[n]
				before := e.server.AllRan()
				<-time.After(lasts)
				idle := e.server.AllRan() - before // what its workers do by themselves, as Go's runtime for a while after its start
				before = e.server.AllRan()
				r := rig.Load{Program: loader, Port: e.port, Clients: 1, Request: request, Answer: answer, For: lasts}.Run(t)
				ran := e.server.AllRan() - before - idle + r.CPU
				failed += r.Failed
				t.Logf("%d workers: idle %v, served %d in %v", n, idle, r.OK, ran)
				series.Add(e.name, "cpu", float64(ran.Nanoseconds())/1e3/float64(r.OK))
			})
			many, few := fmt.Sprint(c.many), fmt.Sprint(one)
			ratio := series.Ratio(many, few, "cpu")
			grid.Row(c.name+", "+many, rig.Plain("%.0f µs", series.Median(many, "cpu")), rig.Plain("%.0f µs", series.Median(few, "cpu")),
				rig.Judged(ratio <= 1.2, "%.2f × with one", ratio), rig.Judged(failed == 0, "%d", failed))
		})
	}
}
