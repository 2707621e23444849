//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestStressPace: what it costs clients that a pool learns of stress. With restart the
// workers are replaced while the load doubles to three quarters of what they can do at
// most; with flag only those to come are told.
func TestStressPace(t *testing.T) {
	const limit, rounds = 20, 3
	const hold, before, after = 20 * time.Millisecond, 3 * time.Second, 8 * time.Second
	modes := []string{"restart", "flag"}
	grid := gridOf(t, fmt.Sprintf("Stress: 400, then 800 requests/s of %v on %d workers", hold, limit),
		"worker", "p99 of the wait, --stress=flag", "--stress=restart", "ratio, ≤ 1.3", "workers started, restart", "failed, 0")
	request, answer := rig.HTTP("/sleep?ms=@@@@@")
	for _, start := range []string{"0", "300"} {
		series := rig.Series{}
		failed := 0
		rig.Rounds(rounds, modes, func(mode string) {
			t.Run(mode, func(t *testing.T) {
				port := harness.Port()
				a := rig.StartAvaild(t, harness.Availd, port, []string{
					"--protocol=notify", fmt.Sprint("--limit=", limit), "--stress=" + mode,
				}, late, start)
				load := rig.Open{
					Program: opener, To: harness.Addr(port), Seed: 1 + len(series["flag"]["p99"]), Hold: hold, Request: request, Answer: answer,
					Profile: []rig.Segment{{For: before, From: 400, To: 400}, {For: after, From: 800, To: 800}},
				}
				all := rig.Requests(load.Start(t).Wait(t))
				now := a.Status(t)
				if now.Counters.StressEpisodes == 0 {
					t.Errorf("%s: it came to no stress, so this was no comparison", mode)
				}
				failed += all.Failed()
				p99 := all.Between(before, before+after).Wait(99)
				series.Add(mode, "p99", float64(max(p99, openDelay).Microseconds())/1e3)
				series.Add(mode, "started", float64(now.Counters.Spawned))
			})
		})
		ratio := series.Ratio("restart", "flag", "p99")
		grid.Row("start "+start+" ms", rig.Plain("%.0f ms", series.Median("flag", "p99")), rig.Plain("%.0f ms", series.Median("restart", "p99")),
			rig.Judged(ratio <= 1.3, "%.2f × flag", ratio), rig.Plain("%.0f", series.Median("restart", "started")), rig.Judged(failed == 0, "%d", failed))
	}
}
