//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// A burst on an empty pool: each of the clients has one request, workers take
// a while to start, and a while for a request.
const (
	burstClients = 50
	burstStart   = 50 * time.Millisecond
	burstRequest = 100 * time.Millisecond
	burstIdeal   = burstStart + burstRequest
)

// burster is an entrant that is started anew for each burst.
type burster struct {
	name            string
	start           func(t *testing.T, port int) *rig.Availd // nil without a supervisor that can be asked
	request, answer string
}

// TestBurst: how long the last of 50 clients waits.
func TestBurst(t *testing.T) {
	const rounds = 9
	bursters := allBursters()
	series := rig.Series{}
	rig.Rounds(rounds, bursters, func(b burster) {
		t.Run("round", func(t *testing.T) { b.burst(t, series) })
	})
	burstTable(t, series, bursters)
}

func (b burster) burst(t *testing.T, series rig.Series) {
	port := harness.Port()
	availd := b.start(t, port)
	r := rig.Load{Program: loader, Port: port, Clients: burstClients, Request: b.request, Answer: b.answer}.Run(t)
	series.Add(b.name, "failed", float64(r.Failed))
	series.Add(b.name, "last", float64(r.Elapsed.Microseconds())/1e3)
	if availd != nil {
		series.Add(b.name, "starts", float64(availd.Status(t).Counters.Spawned))
	}
}

const (
	burstAll  = "availd --max-starting=50"
	burstOne  = "availd, default"
	burstNone = "tcpserver"
)

func allBursters() []burster {
	request, answer := rig.HTTP(fmt.Sprintf("/sleep?ms=%d", burstRequest.Milliseconds()))
	start, all := fmt.Sprint(burstStart.Milliseconds()), fmt.Sprint(burstIdeal.Milliseconds())
	pool := func(options ...string) func(*testing.T, int) *rig.Availd {
		return func(t *testing.T, port int) *rig.Availd {
			options := append([]string{"--protocol=notify", fmt.Sprint("--limit=", burstClients)}, options...)
			return rig.StartAvaild(t, harness.Availd, port, options, late, start)
		}
	}
	return []burster{
		{burstAll, pool(fmt.Sprint("--max-starting=", burstClients)), request, answer},
		{burstOne, pool(), request, answer},
		{postfix, func(t *testing.T, port int) *rig.Availd {
			startMaster(t, port, burstClients, "postfixd-"+start)
			return nil
		}, request, answer},
		{burstNone, func(t *testing.T, port int) *rig.Availd {
			startTcpserver(t, port, burstClients, hello, all)
			return nil
		}, "", "hello"},
		{acceptYes, func(t *testing.T, port int) *rig.Availd {
			startAcceptYes(t, port, burstClients, hello+" "+all)
			return nil
		}, "", "hello"},
	}
}

func burstTable(t *testing.T, s rig.Series, bursters []burster) {
	table := table(t, fmt.Sprintf("Burst: %d clients on an empty pool, ideal %v", burstClients, burstIdeal))
	ideal := float64(burstIdeal.Milliseconds())
	for _, b := range bursters {
		name := b.name
		last := s.Median(name, "last")
		figure := fmt.Sprintf("%.0f ms", last)
		switch name {
		case burstAll:
			table.AtMost(name+": last answer", figure, "%v × ideal", last/ideal, 1.25)
		case burstOne:
			table.AtMost(name+": last answer", figure, "%v × "+postfix+s.Spread(name, postfix, "last"), s.Ratio(name, postfix, "last"), 1)
			table.AtMost(name+": last answer, against all at once", figure, "%v × "+acceptYes+s.Spread(name, acceptYes, "last"), s.Ratio(name, acceptYes, "last"), 1.3)
		default:
			table.Compare(name+": last answer", figure, last/ideal, "ideal")
		}
		if starts := s.Median(name, "starts"); starts > 0 {
			table.AtMost(name+": workers started", fmt.Sprintf("%.0f", starts), "%v a client", starts/burstClients, 1)
		}
		if failed := s.Median(name, "failed"); failed > 0 {
			table.Figure(name+": failed", fmt.Sprintf("%.0f", failed))
		}
	}
}
