//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestSlow: 200 workers, all of which are always at requests of 1.5 s. With slow-after=1s
// each of them is to be explained, 130 a second; silent workers have to be looked at
// to be known as busy. What that costs availd is compared with the same pool that explains
// nothing.
func TestSlow(t *testing.T) {
	const pool = 200
	off, on := []string{"--slow-after=never"}, []string{"--slow-after=1s"}
	request, answer := rig.HTTP("/sleep?ms=1500")
	table := table(t, "Slow: 200 workers at requests of 1.5 s, all of which are slow")
	for _, protocol := range []string{"notify", "queue"} {
		series := rig.Series{}
		rig.Rounds(3, []string{"off", "on"}, func(name string) {
			port := harness.Port()
			options := off
			if name == "on" {
				options = on
			}
			a := rig.StartAvaild(t, harness.Availd, port, append([]string{
				"--protocol=" + protocol, fmt.Sprint("--limit=", pool), fmt.Sprint("--min-spare=", pool), fmt.Sprint("--max-starting=", pool), "--retire-signal=TERM",
			}, options...), httpC)
			harness.WaitFor(t, "all workers", 4*harness.Patience, func() bool { s := a.Status(t); return s.Total == pool && s.Starting == 0 })
			load := rig.Load{Program: loader, Port: port, Clients: pool, Request: request, Answer: answer, For: 3 * time.Second}
			load.Run(t) // until it is as it stays
			load.For = 9 * time.Second
			meter, before := rig.Measure(a.Process), a.Status(t).Counters.Slow
			r := load.Run(t)
			ran, _ := meter.Read()
			if r.Failed > 0 {
				t.Errorf("%s: %d of %d requests failed", name, r.Failed, r.OK+r.Failed)
			}
			series.Add(name, "cpu", 100*ran.Seconds()/r.Elapsed.Seconds())
			series.Add(name, "slow", float64(a.Status(t).Counters.Slow-before)/r.Elapsed.Seconds())
			a.Stop()
		})
		more := series.Median("on", "cpu") - series.Median("off", "cpu")
		table.AtMost(protocol+": processor for it", fmt.Sprintf("%.2f %%, without %.2f %%", series.Median("on", "cpu"), series.Median("off", "cpu")), "%v %", more, 0.5)
		table.Figure(protocol+": slow requests counted", fmt.Sprintf("%.0f/s", series.Median("on", "slow")))
	}
}
