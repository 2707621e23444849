//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestWatched: a saturated pool of 8, requests of 10 ms, and monitoring that asks
// 2,000 times a second. What it costs is taken from the requests.
func TestWatched(t *testing.T) {
	const pool, clients, pace, rounds = 8, 16, 2000, 7
	n, port := fmt.Sprint(pool), harness.Port()
	a := rig.StartAvaild(t, harness.Availd, port, []string{"--protocol=notify", "--limit=" + n, "--min-spare=" + n, "--max-starting=" + n}, httpC)
	a.AwaitIdle(t, pool)
	const alone, kept, each = "nobody asks", "2,000 a second, connections kept", "2,000 a second, a connection each"
	entrants := []string{alone, kept, each}
	series := rig.Series{}
	request, answer := rig.HTTP("/sleep?ms=10")
	rig.Rounds(rounds, entrants, func(name string) {
		var readers *rig.Readers
		if name != alone {
			readers = a.Read(t, pace, name == kept)
		}
		meter := rig.Measure(a.Process)
		r := rig.Load{Program: loader, Port: port, Clients: clients, Request: request, Answer: answer, For: 2 * time.Second}.Run(t)
		ran, _ := meter.Read()
		if r.Failed > 0 {
			t.Errorf("%s: %d of %d requests failed", name, r.Failed, r.OK+r.Failed)
		}
		if readers != nil {
			series.Add(name, "asked", readers.Stop())
		}
		series.Add(name, "rate", r.Rate())
		series.Add(name, "cpu", 100*ran.Seconds()/r.Elapsed.Seconds())
	})
	table := table(t, "Watched: a saturated pool of 8, requests of 10 ms")
	for _, name := range entrants {
		rate := fmt.Sprintf("%.0f requests/s", series.Median(name, "rate"))
		if name == alone {
			table.Figure(name, rate)
		} else {
			table.AtLeast(name, rate, "%v × "+alone+series.Spread(name, alone, "rate"), series.Ratio(name, alone, "rate"), 0.97)
			table.Figure(name+": answers", fmt.Sprintf("%.0f/s", series.Median(name, "asked")))
		}
		table.Figure(name+": availd's share of a processor", fmt.Sprintf("%.0f %%", series.Median(name, "cpu")))
	}
}
