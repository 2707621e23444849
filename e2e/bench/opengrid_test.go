//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
)

// openResult is what came of a case.
type openResult struct {
	openCase
	begin           rig.Moment
	requests, fixed rig.Requests
	looks           rig.Looks
	starts, pauses  uint64 // starts in the steady state, pauses until its end
}

func (r openResult) moment(after time.Duration) rig.Moment { return r.begin + rig.Moment(after) }

// openGrid judges all of them.
func openGrid(t *testing.T, results []openResult) {
	grid := gridOf(t, fmt.Sprintf("Open load: requests of %v, five times as many at once, then 1.2 × the limit", openHold),
		"protocol, socket, start, machine", "needed, workers", "needed are there after, ≤ 3 s", "after two idle-timeouts, ≤ 1.5 × needed",
		"starts in 1,000 requests, ≤ 1", "longest wait from 10 s on, ≤ 0.6 s", "p99 of the wait, ≤ 2 × fixed pool",
		"drained after overload", "then workers, ≤ 1.5 × needed", "retired while somebody waited, 0", "failed, 0; pauses, 0")
	for _, r := range results {
		grid.Row(r.name(), r.cells()...)
	}
}

func (r openResult) cells() []rig.Cell {
	scale, end := r.scale, r.scale.rises()
	needed := rig.Needed(scale.high, openHold, openDelay)
	settled := r.requests.Between(scale.steady(), end)
	cells := []rig.Cell{
		rig.Plain("%d of %d", needed, scale.limit()), r.reached(needed),
		r.count(end, needed),
		rig.Plain("–"),
		judgeTime(r.requests.Between(openLow+10*time.Second, end).Wait(100), 600*time.Millisecond),
		r.against(settled),
	}
	if r.protocol.pool {
		churn := float64(r.starts) * 1000 / float64(max(1, len(settled)))
		cells[3] = rig.Judged(churn <= 1, "%.1f", churn)
	} else {
		cells[1], cells[2] = rig.Plain("–"), rig.Plain("–") // a process for each request is what is needed
	}
	cells = append(cells, r.overloaded()...)
	return append(cells, rig.Judged(r.requests.Failed() == 0 && r.pauses == 0, "%d of %d; %d", r.requests.Failed(), len(r.requests), r.pauses))
}

// reached: how soon after the step as many are there as are needed, or as may be.
func (r openResult) reached(needed int) rig.Cell {
	took := r.looks.Reached(min(needed, r.scale.limit()), r.moment(openLow))
	if took < 0 || took > r.scale.rises()-openLow {
		return rig.Judged(false, "never")
	}
	return judgeTime(took, 3*time.Second)
}

// count is the workers in the last second before then.
func (r openResult) count(end time.Duration, needed int) rig.Cell {
	n := r.looks.Count(r.moment(end-time.Second), r.moment(end))
	return rig.Judged(float64(n) <= 1.5*float64(needed), "%d", n)
}

// against compares waits with those of the fixed pool. What is below --queue-delay is as
// good as nothing for both.
func (r openResult) against(settled rig.Requests) rig.Cell {
	own := settled.Wait(99)
	if len(r.fixed) == 0 {
		return rig.Plain("%s", ms(own))
	}
	theirs := r.fixed.Between(time.Second, openFixed).Wait(99) // the first second fills it
	return rig.Judged(max(own, openDelay) <= 2*max(theirs, openDelay), "%s, fixed %s", ms(own), ms(theirs))
}

// overloaded: when nobody waited any more for longer than --queue-delay and a request, since
// the limit could serve all again; the workers at the end; and the ends of workers while
// somebody had been waiting for some time, for longer than a slow machine makes them.
func (r openResult) overloaded() []rig.Cell {
	if !r.overload || !r.protocol.pool {
		return []rig.Cell{rig.Plain("–"), rig.Plain("–"), rig.Plain("–")}
	}
	falls, end := r.scale.falls(), r.scale.ends()
	var last time.Duration
	for _, one := range r.requests.Between(0, end) {
		if one.Wait() > openDelay+openHold {
			last = max(last, one.Arrival+one.Wait())
		}
	}
	retired := 0
	r.looks.Ended(func(at rig.Moment) {
		if seen := at.Since(r.begin); r.requests.Waited(seen-300*time.Millisecond, seen, openHold) {
			retired++
		}
	})
	return []rig.Cell{
		judgeTime(max(0, last-falls), openFall+openDrain),
		r.count(end, rig.Needed(r.scale.after, openHold, openDelay)),
		rig.Judged(retired == 0, "%d", retired),
	}
}

// judgeTime is a time that is to be at most so long.
func judgeTime(took, most time.Duration) rig.Cell {
	if took > 2*time.Second {
		return rig.Judged(took <= most, "%.1f s", took.Seconds())
	}
	return rig.Judged(took <= most, "%s", ms(took))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.3g ms", float64(d.Microseconds())/1e3) }
