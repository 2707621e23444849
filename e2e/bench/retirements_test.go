//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestRetirements: workers that are retired after each request, while clients come at
// random. One that leaves may have been woken for a connection of which nobody else hears:
// with a wrong order that client waits until the next one comes. So a request counts as
// lost that failed, or that took longer than anything else explains.
func TestRetirements(t *testing.T) {
	const lost = 5 * time.Second
	grid := gridOf(t, "Retirements: every worker is retired after one request", "worker", "requests a second",
		"retirements", "lost, 0", "p99 of the wait", "slowest")
	for _, c := range []struct {
		name    string
		rate    float64
		lasts   time.Duration
		command []string
	}{
		{"C", 200, 55 * time.Second, []string{httpC}},
		{"C, board", 200, 55 * time.Second, []string{httpCB}},
		{"Go, package worker", 80, 130 * time.Second, []string{harness.Workers + "/http-go"}},
		{"Python", 10, 60 * time.Second, []string{"/usr/bin/python3", harness.Examples + "/http-python/worker.py"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			port := harness.Port()
			a := rig.StartAvaild(t, harness.Availd, port, []string{
				"--protocol=notify", "--limit=40", "--min-spare=8", "--max-starting=4", "--max-requests=1",
			}, c.command...)
			a.AwaitIdle(t, 8)
			request, answer := rig.HTTP("/")
			all := rig.Requests(rig.Open{
				Program: opener, To: harness.Addr(port), Seed: 1, Hold: time.Millisecond, Request: request, Answer: answer,
				Profile: []rig.Segment{{For: c.lasts, From: c.rate, To: c.rate}},
			}.Start(t).Wait(t))
			n := 0
			for _, r := range all {
				if !r.OK || r.Wait() > lost {
					n++
				}
			}
			exited := a.Status(t).Counters.Exited
			grid.Row(c.name, rig.Plain("%g", c.rate), rig.Plain("%d", exited), rig.Judged(n == 0, "%d", n),
				rig.Plain("%v", all.Wait(99).Round(time.Millisecond)), rig.Plain("%v", all.Wait(100).Round(time.Millisecond)))
			if exited < uint64(len(all))/8 { // on the board it is noticed after 20 ms, in which the first in line serves several
				t.Errorf("%s: %d workers were retired in %d requests, so this was no test", fmt.Sprint(c.command), exited, len(all))
			}
		})
	}
}
