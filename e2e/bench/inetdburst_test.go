//go:build e2e

package bench

import (
	"fmt"
	"testing"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// inetdBurst is so many connections at once, at a service that has just been started and
// has room for all.
type inetdBurst struct {
	program string
	command []string
	clients int
	rounds  int
	busy    bool // two busy loops are beside it
}

// inetdBursts: with a program that is slow to start a burst takes as long as its starts do
// on the machine's processors, so that there are fewer of those. One round says nothing: a
// virtual machine computes up to twice as long for the same from one half minute to the next.
func inetdBursts() (all []inetdBurst) {
	quick := []string{hello}
	slow := []string{"/usr/bin/python3", "-c", `print("hello")`}
	for _, busy := range []bool{false, true} {
		for _, n := range []struct{ clients, quick, slow int }{{50, 20, 4}, {100, 10, 3}, {500, 5, 3}, {2000, 3, 0}} {
			all = append(all, inetdBurst{"C", quick, n.clients, n.quick, busy})
			if n.slow > 0 && !(busy && n.clients > 100) { // a minute, on two processors that do other things
				all = append(all, inetdBurst{"Python", slow, n.clients, n.slow, busy})
			}
		}
	}
	return all
}

// TestInetdBurst: who comes with many others is served like them.
func TestInetdBurst(t *testing.T) {
	grid := gridOf(t, "Bursts on inetd: all at once, with room for all",
		"program, connections, machine", "closed in all rounds, 0", "pauses, 0", "slowest", "tcpserver's, closed", "ratio, ≤ 1.3")
	for _, b := range inetdBursts() {
		t.Run(fmt.Sprint(b.program, "-", b.clients), func(t *testing.T) { b.run(t, grid) })
	}
}

func (b inetdBurst) run(t *testing.T, grid *rig.Grid) {
	machine := "idle machine"
	if b.busy {
		machine = "busy machine"
		rig.Busy(t)
	}
	const own, peer = "availd", "tcpserver"
	series := rig.Series{}
	closed := map[string]int{}
	pauses := uint64(0)
	rig.Rounds(b.rounds, []string{own, peer}, func(name string) {
		port, room := harness.Port(), b.clients+10
		var availd *rig.Availd
		var server *rig.Server
		if name == own {
			availd = rig.StartAvaild(t, harness.Availd, port, []string{"--protocol=inetd", fmt.Sprint("--limit=", room)}, b.command...)
			server = availd.Server
		} else {
			server = startTcpserver(t, port, room, b.command...)
		}
		r := rig.Load{Program: loader, Apart: true, Port: port, Clients: b.clients, Answer: "hello"}.Run(t)
		closed[name] += r.Failed
		series.Add(name, "slowest", float64(r.Slowest.Microseconds())/1e3)
		if availd != nil {
			pauses += availd.Status(t).Counters.Throttles
		}
		server.Stop()
	})
	ratio := series.Ratio(own, peer, "slowest")
	grid.Row(fmt.Sprintf("%s, %d, %s", b.program, b.clients, machine),
		rig.Judged(closed[own] == 0, "%d of %d", closed[own], b.rounds*b.clients), rig.Judged(pauses == 0, "%d", pauses),
		rig.Plain("%.0f ms", series.Median(own, "slowest")),
		rig.Plain("%.0f ms, %d", series.Median(peer, "slowest"), closed[peer]),
		rig.Judged(ratio <= 1.3, "%.2f × tcpserver", ratio))
}
