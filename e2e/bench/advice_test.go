//go:build e2e

package bench

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestAdvice: the limit that availd status advises after an overload, against the smallest
// one with which a request would have waited --queue-delay on average.
func TestAdvice(t *testing.T) {
	grid := gridOf(t, "Advice: the limit that would have covered an overload",
		"load", "limit", "advised", "needed", "ratio, 0.8 to 1.2")
	request, answer := rig.HTTP("/sleep?ms=@@@@@")
	for i, c := range []struct {
		rate  float64
		hold  time.Duration
		limit int
	}{{600, 100 * time.Millisecond, 50}, {100, 100 * time.Millisecond, 9}, {475, 20 * time.Millisecond, 8}, {30, 500 * time.Millisecond, 12}} {
		name := fmt.Sprintf("%g/s of %v", c.rate, c.hold)
		t.Run(name, func(t *testing.T) {
			port := harness.Port()
			a := rig.StartAvaild(t, harness.Availd, port, []string{"--protocol=notify", fmt.Sprint("--limit=", c.limit)}, httpC)
			load := rig.Open{
				Program: opener, To: harness.Addr(port), Seed: i, Hold: c.hold, Request: request, Answer: answer,
				Profile: []rig.Segment{{For: 12 * time.Second, From: c.rate, To: c.rate}},
			}
			if all := rig.Requests(load.Start(t).Wait(t)); all.Failed() > 0 {
				t.Errorf("%d of %d requests failed", all.Failed(), len(all))
			}
			advised, needed := a.Status(t).Demand.AdvisedLimit, rig.Needed(c.rate, c.hold, openDelay)
			if advised == nil {
				grid.Row(name, rig.Plain("%d", c.limit), rig.Judged(false, "none"), rig.Plain("%d", needed), rig.Plain("–"))
				return
			}
			ratio := float64(*advised) / float64(needed)
			grid.Row(name, rig.Plain("%d", c.limit), rig.Plain("%d", *advised), rig.Plain("%d", needed), rig.Judged(math.Abs(ratio-1) <= 0.2, "%.2f", ratio))
		})
	}
}
