package top

import (
	"time"

	"github.com/availd/availd/internal/status"
)

// This file has what only two answers tell: how many requests a second were finished between
// them, and how long those took.

// rate is the finished requests a second, false if that is not known: it takes two answers of
// a service that counts requests, which goes on counting over a restart of availd but not
// over a stop.
func (e *Entry) rate() (perSecond float64, known bool) {
	if e.Now == nil || e.Before == nil || e.Took <= 0 {
		return 0, false
	}
	now, before := e.Now.Counters.Requests, e.Before.Counters.Requests
	if now == nil || before == nil || *now < *before {
		return 0, false
	}
	return float64(*now-*before) / e.Took.Seconds(), true
}

// times are the requests that were finished between the two answers, by how long they took;
// nil if there are none, or if that is not measured.
func (e *Entry) times() *status.Times {
	if e.Now == nil || e.Before == nil {
		return nil
	}
	return e.Now.RequestTimes.Since(e.Before.RequestTimes)
}

// quantile is the time within which that share of the requests was finished. Within a bucket
// of the histogram all times are taken for equally likely, as Prometheus does. beyond: it is
// more than the largest bound, which is returned.
func quantile(t *status.Times, share float64) (d time.Duration, beyond, known bool) {
	if t == nil {
		return 0, false, false
	}
	total := uint64(0)
	for _, n := range t.Counts {
		total += n
	}
	if total == 0 {
		return 0, false, false
	}
	rank, below := share*float64(total), 0.0
	for i, n := range t.Counts {
		if below+float64(n) < rank || n == 0 {
			below += float64(n)
			continue
		}
		low := 0.0
		if i > 0 {
			low = t.Bounds[i-1]
		}
		if i == len(t.Bounds) {
			return seconds(low), true, true
		}
		return seconds(low + (t.Bounds[i]-low)*(rank-below)/float64(n)), false, true
	}
	return seconds(t.Bounds[len(t.Bounds)-1]), true, true
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
