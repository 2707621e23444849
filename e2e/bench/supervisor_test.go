//go:build e2e

package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// supervised is how a pool is set up for TestSupervisor.
type supervised struct {
	name  string
	limit int
	full  bool // all workers are there from the beginning
	rates []float64
}

var (
	belowLimit = supervised{"below the limit of 50", 50, false, []float64{20, 100, 300, 1000, 3000, 8000}}
	atLimit    = supervised{"a full pool of 8", 8, true, []float64{20, 100, 300, 1000, 3000}}
)

// supervisedFor is how long a round at a rate takes: enough requests, and no more.
func supervisedFor(rate float64) time.Duration {
	switch {
	case rate < 100:
		return 5 * time.Second
	case rate < 300:
		return 4 * time.Second
	}
	return 2 * time.Second
}

// slowOf is the time in milliseconds that 99 of 100 requests took at most. Of less than 1,000 it
// would be the few slowest, which are those in which the machine had something else to do: then
// it is 90 of 100.
func slowOf(all []rig.Request) (ms float64, percent int) {
	percent = 99
	if len(all) < 1000 {
		percent = 90
	}
	return took(all, percent), percent
}

// TestSupervisor: what a manager costs beside requests of 1 ms that come at random, at
// rates at which it has nothing to do, and what it takes from requests of 0 ms that come
// as fast as they are answered.
func TestSupervisor(t *testing.T) {
	const rounds = 3
	for _, s := range []supervised{belowLimit, atLimit} {
		entrants := supervisors(t, s)
		grid := gridOf(t, "Supervisor: requests of 1 ms, "+s.name, "requests a second, manager",
			"CPU a request, ≤ 1 × Postfix's (below 300/s ≤ 2 ×)", "wake-ups a request, as CPU", "p99 (of < 1000 requests p90), ≤ 1.05 × no supervisor", "failed, 0")
		for _, rate := range s.rates {
			supervisedRow(t, grid, entrants, rate, rounds)
		}
		for _, e := range entrants {
			e.server.Stop()
		}
	}
	saturated(t)
}

func supervisors(t *testing.T, s supervised) (entrants []entrant) {
	limit := fmt.Sprint(s.limit)
	options := []string{"--protocol=notify", "--limit=" + limit}
	if s.full {
		options = append(options, "--min-spare="+limit, "--max-starting="+limit)
	}
	add := func(name string, start func(port int) *rig.Server) {
		port := harness.Port()
		entrants = append(entrants, entrant{name, port, start(port)})
	}
	add(bare, func(port int) *rig.Server {
		return rig.StartListening(t, port, nil, prefork, fmt.Sprint(port), "8", httpC)
	})
	for _, e := range []struct{ name, worker string }{{board, httpCB}, {datagrams, httpC}} {
		add(e.name, func(port int) *rig.Server {
			return rig.StartAvaild(t, harness.Availd, port, options, e.worker).Server
		})
	}
	add(postfix, func(port int) *rig.Server { return startMaster(t, port, s.limit, "postfixd") })
	request, answer := rig.HTTP("/sleep?ms=1")
	for _, e := range entrants { // as many workers as will be needed are there
		rig.Load{Program: loader, Port: e.port, Clients: 8, Request: request, Answer: answer, For: time.Second}.Run(t)
	}
	return entrants
}

func supervisedRow(t *testing.T, grid *rig.Grid, entrants []entrant, rate float64, rounds int) {
	series, failed, requests := rig.Series{}, map[string]int{}, map[string][]rig.Request{}
	request, answer := rig.HTTP("/sleep?ms=1")
	seed := 0
	rig.Rounds(rounds, entrants, func(e entrant) {
		seed++
		load := rig.Open{
			Program: opener, To: harness.Addr(e.port), Seed: 1 + seed/len(entrants), Hold: time.Millisecond, Request: request, Answer: answer,
			Profile: []rig.Segment{{For: supervisedFor(rate), From: rate, To: rate}},
		}
		meter := rig.Measure(e.server.Process)
		all := load.Start(t).Wait(t)
		ran, wakeups := meter.Read()
		n := float64(len(all))
		failed[e.name] += rig.Requests(all).Failed()
		series.Add(e.name, "cpu", float64(ran.Nanoseconds())/1e3/n)
		series.Add(e.name, "wakeups", float64(wakeups)/n)
		requests[e.name] = append(requests[e.name], all...)
	})
	alone, _ := slowOf(requests[bare])
	most := 1.0
	if rate < 300 {
		most = 2
	}
	for _, e := range entrants {
		name := fmt.Sprintf("%g/s, %s", rate, e.name)
		cpu, wakeups := series.Median(e.name, "cpu"), series.Median(e.name, "wakeups")
		slow, percent := slowOf(requests[e.name])
		ratio, is := slow/alone, fmt.Sprintf("p%d %.2f ms", percent, slow)
		lost := rig.Judged(failed[e.name] == 0, "%d", failed[e.name])
		switch e.name {
		case bare:
			grid.Row(name, rig.Plain("–"), rig.Plain("–"), rig.Plain("%s", is), lost)
		case postfix:
			grid.Row(name, rig.Plain("%.1f µs", cpu), rig.Plain("%.2f", wakeups), rig.Plain("%s, %.2f ×", is, ratio), lost)
		default:
			c, w := series.Ratio(e.name, postfix, "cpu"), series.Ratio(e.name, postfix, "wakeups")
			grid.Row(name, rig.Judged(c <= most, "%.1f µs, %.2f ×", cpu, c), rig.Judged(w <= most, "%.2f, %.2f ×", wakeups, w),
				rig.Judged(ratio <= 1.05, "%s, %.2f ×", is, ratio), lost)
		}
	}
}

// took is the time in milliseconds that so many percent of the requests took at most.
func took(all []rig.Request, percent int) float64 {
	var times []time.Duration
	for _, r := range all {
		times = append(times, r.Took)
	}
	slices.Sort(times)
	return float64(times[len(times)*percent/100].Microseconds()) / 1e3
}

// saturated: requests of 0 ms, of as many clients as there are workers.
func saturated(t *testing.T) {
	const rounds = 5
	entrants := supervisors(t, atLimit)
	series := rig.Series{}
	request, answer := rig.HTTP("/")
	rig.Rounds(rounds, entrants, func(e entrant) {
		r := rig.Load{Program: loader, Port: e.port, Clients: 8, Request: request, Answer: answer, For: 1500 * time.Millisecond}.Run(t)
		if r.Failed > 0 {
			t.Errorf("%s: %d of %d requests failed", e.name, r.Failed, r.OK+r.Failed)
		}
		series.Add(e.name, "rate", r.Rate())
	})
	table := table(t, "Supervisor: requests of 0 ms, a full pool of 8, saturated")
	for _, e := range entrants {
		rate := fmt.Sprintf("%.0f requests/s", series.Median(e.name, "rate"))
		switch e.name {
		case bare, postfix:
			table.Compare(e.name, rate, series.Ratio(e.name, postfix, "rate"), postfix)
		default:
			table.AtLeast(e.name, rate, "%v × "+postfix+series.Spread(e.name, postfix, "rate"), series.Ratio(e.name, postfix, "rate"), 1)
		}
	}
}

// TestManyServices: 200 services, each of which has five requests a second.
func TestManyServices(t *testing.T) {
	const services, rate, lasts = 200, 5, 10 * time.Second
	request, answer := rig.HTTP("/sleep?ms=1")
	var all []*rig.Availd
	var loads []rig.Open
	for n := range services {
		port := harness.Port()
		all = append(all, rig.StartAvaild(t, harness.Availd, port, []string{"--protocol=notify", "--limit=50"}, httpC))
		loads = append(loads, rig.Open{
			Program: opener, To: harness.Addr(port), Seed: n, Hold: time.Millisecond, Request: request, Answer: answer,
			Profile: []rig.Segment{{For: lasts, From: rate, To: rate}},
		})
	}
	run := func() (requests int) {
		var running []*rig.Opened
		for _, l := range loads {
			running = append(running, l.Start(t))
		}
		for _, r := range running {
			some := rig.Requests(r.Wait(t))
			requests += len(some)
			if n := some.Failed(); n > 0 {
				t.Errorf("%d of %d requests of a service failed", n, len(some))
			}
		}
		return requests
	}
	run() // their workers are there now
	var meters []rig.Meter
	for _, a := range all {
		meters = append(meters, rig.Measure(a.Process))
	}
	began := time.Now()
	requests := run()
	passed := time.Since(began)
	var ran time.Duration
	var wakeups, anon int64
	for i, m := range meters {
		r, w := m.Read()
		ran, wakeups, anon = ran+r, wakeups+w, anon+all[i].Anon()
	}
	table := table(t, fmt.Sprintf("Many services: %d, each with %d requests of 1 ms a second", services, rate))
	share := 100 * ran.Seconds() / passed.Seconds()
	table.AtMost("availd: all together", fmt.Sprintf("%.1f %% of a processor", share), "%v %", share, 15)
	table.Figure("availd: CPU a request", fmt.Sprintf("%.0f µs", float64(ran.Microseconds())/float64(requests)))
	table.Figure("availd: wake-ups a request", fmt.Sprintf("%.2f", float64(wakeups)/float64(requests)))
	table.AtMost("availd: memory of its own, RssAnon, each", fmt.Sprintf("%.2f MB", float64(anon)/services/1e6), "%v MB", float64(anon)/services/1e6, 1.2)
}
