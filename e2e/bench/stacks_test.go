//go:build e2e

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// stack is an application with what runs its workers, at most limit of them.
type stack struct {
	name  string
	start func(t *testing.T, port, limit int) *rig.Server
	// full, if not nil, starts it with all of its workers, and returns when they are there.
	full func(t *testing.T, port, limit int) *rig.Server
}

// application is what all stacks of a comparison serve.
type application struct {
	quick, slow string // requests of no time and of stackSleep
	answer      string
}

// load is clients that ask for the quick page or the slow one; in a session of their
// own, as a web server in another service would be.
func (a application) load(port, clients int, request string, long time.Duration) rig.Load {
	return rig.Load{Program: loader, Apart: true, Port: port, Clients: clients, Request: request, Answer: a.answer, For: long}
}

const (
	stackSleep = 100 * time.Millisecond
	stackPool  = 8
)

// compareStacks has the first stack compared with each other one.
func compareStacks(t *testing.T, title string, app application, stacks []stack) {
	series := rig.Series{}
	t.Run("idle", func(t *testing.T) { idleStacks(t, series, stacks) })
	t.Run("throughput", func(t *testing.T) { steadyStacks(t, series, app, stacks) })
	t.Run("overload", func(t *testing.T) { overloadStacks(t, series, app, stacks) })
	rig.Rounds(3, stacks, func(s stack) {
		t.Run("burst", func(t *testing.T) { burstStack(t, series, app, s, "burst", s.start) })
	})
	for _, s := range stacks { // one round: nothing has to be started, so there is little that could vary
		if s.full != nil {
			t.Run("burst, all there", func(t *testing.T) { burstStack(t, series, app, s, "full", s.full) })
		}
	}
	stacksTable(t, title, series, stacks)
}

// idleStacks weighs what has just been started, and whom nobody uses. Each is alone on the
// machine: two that are there at once would share libraries, and each be the lighter for it.
func idleStacks(t *testing.T, series rig.Series, stacks []stack) {
	for _, s := range stacks {
		t.Run("alone", func(t *testing.T) {
			server := s.start(t, harness.Port(), stackPool)
			<-time.After(time.Second) // until the workers of those that begin with some are there
			series.Add(s.name, "idle", float64(server.Memory())/1e6)
			series.Add(s.name, "idle, own", float64(server.OwnMemory())/1e6)
		})
	}
}

// weighStacks weighs workers that have served, each stack alone as above.
func weighStacks(t *testing.T, series rig.Series, app application, stacks []stack) {
	for _, s := range stacks {
		t.Run("alone", func(t *testing.T) {
			port := harness.Port()
			server := s.start(t, port, stackPool)
			app.load(port, 2*stackPool, app.slow, 2*time.Second).Run(t) // pools grow
			app.load(port, stackPool, app.slow, 0).Run(t)
			series.Add(s.name, "worker", float64(server.WorkerMemory())/1e6)
			series.Add(s.name, "pool", float64(server.Memory())/1e6/stackPool)
		})
	}
}

// startStacks starts all, and has each serve for a moment: pools grow, and what
// programs keep of the first requests is kept.
func startStacks(t *testing.T, app application, stacks []stack, limit int) (entrants []entrant) {
	for _, s := range stacks {
		e := entrant{s.name, harness.Port(), nil}
		e.server = s.start(t, e.port, limit)
		app.load(e.port, 2*limit, app.slow, 4*time.Second).Run(t)
		entrants = append(entrants, e)
	}
	return entrants
}

func steadyStacks(t *testing.T, series rig.Series, app application, stacks []stack) {
	weighStacks(t, series, app, stacks)
	entrants := startStacks(t, app, stacks, stackPool)
	rig.Rounds(15, entrants, func(e entrant) { // many: the ratios are near 1
		meter := rig.Measure(e.server.Process)
		r := app.load(e.port, stackPool, app.quick, time.Second).Run(t)
		ran, _ := meter.Read()
		series.Add(e.name, "rate", r.Rate())
		series.Add(e.name, "cpu", float64(ran)/float64(r.OK)/1e3)
		series.Add(e.name, "failed", float64(r.Failed))
	})
}

func overloadStacks(t *testing.T, series rig.Series, app application, stacks []stack) {
	entrants := startStacks(t, app, stacks, stackPool)
	rig.Rounds(3, entrants, func(e entrant) {
		r := app.load(e.port, 2*stackPool, app.slow, 3*time.Second).Run(t)
		series.Add(e.name, "overload", float64(r.P99.Microseconds())/1e3)
		series.Add(e.name, "failed", float64(r.Failed))
	})
}

// burstStack is 50 clients on what has just been started, with a limit that
// would serve them all at once.
func burstStack(t *testing.T, series rig.Series, app application, s stack, figure string, start func(*testing.T, int, int) *rig.Server) {
	port := harness.Port()
	start(t, port, burstClients)
	<-time.After(500 * time.Millisecond) // a start is no part of it
	r := app.load(port, burstClients, app.slow, 0).Run(t)
	series.Add(s.name, figure, float64(r.P99.Microseconds())/1e3)
	series.Add(s.name, "failed", float64(r.Failed))
}

func stacksTable(t *testing.T, title string, s rig.Series, stacks []stack) {
	table := table(t, title)
	own := stacks[0].name
	for _, peer := range stacks {
		table.Figure(peer.name+": supervisor's CPU a request", fmt.Sprintf("%.2f µs", s.Median(peer.name, "cpu")))
		table.Figure(peer.name+": memory a worker, PSS", fmt.Sprintf("%.1f MB; of the whole pool, a worker, %.1f MB", s.Median(peer.name, "worker"), s.Median(peer.name, "pool")))
		if failed := s.Median(peer.name, "failed"); failed > 0 {
			table.Figure(peer.name+": failed", fmt.Sprintf("%.0f", failed))
		}
	}
	for _, peer := range stacks[1:] {
		row := func(figure, unit string) (what, figures, ratio string, value float64) {
			return own + " against " + peer.name, fmt.Sprintf("%.5g %s against %.5g %s", s.Median(own, figure), unit, s.Median(peer.name, figure), unit),
				"%v × " + peer.name + s.Spread(own, peer.name, figure), s.Ratio(own, peer.name, figure)
		}
		what, figures, ratio, value := row("rate", "requests/s")
		table.AtLeast("throughput: "+what, figures, ratio, value, 1)
		what, figures, ratio, value = row("burst", "ms")
		table.AtMost(fmt.Sprintf("p99 of a burst of %d: %s", burstClients, what), figures, ratio, value, 1)
		if peer.full != nil {
			what, figures, ratio, value = row("full", "ms")
			// Like twice the clients: nobody can be faster than the request is.
			table.AtMost("p99 of that burst with all workers there: "+what, figures, ratio, value, 1.02)
		}
		what, figures, ratio, value = row("overload", "ms")
		// Twice the clients take twice the request's time at least, whoever serves them.
		table.AtMost("p99 of twice the clients: "+what, figures, ratio, value, 1.02)
		what, figures, ratio, value = row("idle", "MB")
		table.AtMost("memory without a client, PSS: "+what, figures, ratio, value, 1)
	}
}
