//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// entrant is a server that takes part; what counts as its supervisor is its
// main process.
type entrant struct {
	name   string
	port   int
	server *rig.Server
}

const (
	bare      = "no supervisor"
	board     = "availd, board"
	datagrams = "availd, datagrams"
	postfix   = "Postfix master"
)

// TestSteady: a full pool of 8 with nothing to do but short requests. What a
// supervisor costs is then all that it adds.
func TestSteady(t *testing.T) {
	const pool, rounds = 8, 7
	entrants := steadyEntrants(t, pool)
	series := rig.Series{}
	request, answer := rig.HTTP("/")
	rig.Rounds(rounds, entrants, func(e entrant) {
		meter := rig.Measure(e.server.Process)
		r := rig.Load{
			Program: loader, Port: e.port, Clients: pool, Request: request, Answer: answer, For: 1500 * time.Millisecond,
		}.Run(t)
		ran, wakeups := meter.Read()
		if r.Failed > 0 {
			t.Errorf("%s: %d of %d requests failed", e.name, r.Failed, r.OK+r.Failed)
		}
		series.Add(e.name, "rate", r.Rate())
		series.Add(e.name, "cpu", float64(ran)/float64(r.OK)/1e3)
		series.Add(e.name, "wakeups", float64(wakeups)/float64(r.OK))
	})
	steadyTable(t, series, entrants)
}

func steadyEntrants(t *testing.T, pool int) []entrant {
	n := fmt.Sprint(pool)
	var entrants []entrant
	add := func(name string, start func(port int) *rig.Server) {
		port := harness.Port()
		entrants = append(entrants, entrant{name, port, start(port)})
	}
	add(bare, func(port int) *rig.Server {
		return rig.StartListening(t, port, nil, prefork, fmt.Sprint(port), n, httpC)
	})
	for name, worker := range map[string]string{board: httpCB, datagrams: httpC} {
		add(name, func(port int) *rig.Server {
			a := rig.StartAvaild(t, harness.Availd, port,
				[]string{"--protocol=notify", "--limit=" + n, "--min-spare=" + n, "--max-starting=" + n}, worker)
			a.AwaitIdle(t, pool)
			return a.Server
		})
	}
	add(postfix, func(port int) *rig.Server { return startMaster(t, port, pool, "postfixd") })
	return entrants
}

func steadyTable(t *testing.T, s rig.Series, entrants []entrant) {
	table := table(t, "Steady state: a pool of 8, requests of 0 ms")
	for _, e := range entrants {
		rate := fmt.Sprintf("%.0f requests/s", s.Median(e.name, "rate"))
		cpu := fmt.Sprintf("%.2f µs", s.Median(e.name, "cpu"))
		wakeups := fmt.Sprintf("%.3f", s.Median(e.name, "wakeups"))
		ratio := s.Ratio(e.name, bare, "rate")
		if e.name == bare {
			table.Figure(e.name, rate)
			continue
		}
		if e.name == board {
			table.AtLeast(e.name+": throughput", rate, "%v × "+bare+s.Spread(e.name, bare, "rate"), ratio, 0.97)
		} else {
			table.Compare(e.name+": throughput", rate, ratio, bare)
		}
		most, own := map[string]float64{board: 1, datagrams: 12}[e.name]
		if own {
			table.AtMost(e.name+": supervisor's CPU a request", cpu, "%v µs", s.Median(e.name, "cpu"), most)
		} else {
			table.Figure(e.name+": supervisor's CPU a request", cpu)
		}
		if e.name == board {
			table.AtMost(e.name+": supervisor's wake-ups a request", wakeups, "%v", s.Median(e.name, "wakeups"), 0.01)
		} else {
			table.Figure(e.name+": supervisor's wake-ups a request", wakeups)
		}
	}
}
