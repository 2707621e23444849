//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// Twice the clients that the limit serves.
const (
	overLimit   = 10
	overClients = 2 * overLimit
	overRequest = 100 * time.Millisecond
)

// TestOverload: who has no free worker waits, and nothing is lost of what the
// workers could do.
func TestOverload(t *testing.T) {
	const rounds = 3
	entrants := overloadEntrants(t)
	series := rig.Series{}
	http, answer := rig.HTTP(fmt.Sprintf("/sleep?ms=%d", overRequest.Milliseconds()))
	rig.Rounds(rounds, entrants, func(e entrant) {
		load := rig.Load{Program: loader, Port: e.port, Clients: overClients, Request: http, Answer: answer, For: 3 * time.Second}
		if e.name == "tcpserver" || e.name == "xinetd" || e.name == acceptYes {
			load.Request, load.Answer = "", "hello"
		}
		r := load.Run(t)
		series.Add(e.name, "rate", r.Rate())
		series.Add(e.name, "failed", float64(r.Failed))
		series.Add(e.name, "p99", float64(r.P99.Microseconds())/1e3)
	})
	table := table(t, fmt.Sprintf("Overload: %d clients, limit %d, requests of %v", overClients, overLimit, overRequest))
	possible := overLimit / overRequest.Seconds()
	for _, e := range entrants {
		rate, failed := series.Median(e.name, "rate"), series.Median(e.name, "failed")
		figure := fmt.Sprintf("%.1f/s, p99 %.0f ms", rate, series.Median(e.name, "p99"))
		if e.name != availdPool {
			table.Compare(e.name, figure, rate/possible, "possible")
			table.Figure(e.name+": failed", fmt.Sprintf("%.0f", failed))
			continue
		}
		table.AtLeast(e.name, figure, "%v × possible", rate/possible, 0.98)
		table.AtMost(e.name+": failed", fmt.Sprintf("%.0f", failed), "", failed, 0)
	}
}

const availdPool = "availd"

func overloadEntrants(t *testing.T) []entrant {
	work := fmt.Sprint(overRequest.Milliseconds())
	var entrants []entrant
	add := func(name string, start func(port int) *rig.Server) {
		port := harness.Port()
		entrants = append(entrants, entrant{name, port, start(port)})
	}
	add(availdPool, func(port int) *rig.Server {
		return rig.StartAvaild(t, harness.Availd, port, []string{"--protocol=notify", fmt.Sprint("--limit=", overLimit)}, httpC).Server
	})
	add(postfix, func(port int) *rig.Server { return startMaster(t, port, overLimit, "postfixd") })
	add("tcpserver", func(port int) *rig.Server { return startTcpserver(t, port, overLimit, hello, work) })
	add("xinetd", func(port int) *rig.Server { return startXinetd(t, port, fmt.Sprint(overLimit), hello, work) })
	add(acceptYes, func(port int) *rig.Server { startAcceptYes(t, port, overLimit, hello+" "+work); return nil })
	return entrants
}
