//go:build e2e

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestChange: a service with the shipped units is reloaded and restarted while
// all its workers are busy.
func TestChange(t *testing.T) {
	const rounds, limit, request = 5, 8, 20 * time.Millisecond
	port := harness.Port()
	unit := startUnits(t, port, "--protocol=notify", fmt.Sprint("--limit=", limit))
	series := rig.Series{}
	changes := map[string]func(){"steady": func() {}, "reload": unit.Reload, "restart": unit.Restart}
	rig.Rounds(rounds, []string{"steady", "reload", "restart"}, func(name string) {
		var took time.Duration
		r := during(t, rig.Load{Program: loader, Port: port, Clients: limit, For: 3 * time.Second}, request, func() {
			begin := time.Now()
			changes[name]()
			took = time.Since(begin)
		})
		series.Add(name, "took", float64(took.Microseconds())/1e3)
		series.Add(name, "failed", float64(r.Failed))
		series.Add(name, "slowest", float64(r.Slowest.Microseconds())/1e3)
		series.Add(name, "p99", float64(r.P99.Microseconds())/1e3)
	})
	table := table(t, fmt.Sprintf("Change under load: %d clients, limit %d, requests of %v", limit, limit, request))
	for _, name := range []string{"steady", "reload", "restart"} {
		figure := fmt.Sprintf("slowest %.1f ms, p99 %.1f ms", series.Median(name, "slowest"), series.Median(name, "p99"))
		ratio := series.Ratio(name, "steady", "slowest")
		switch name {
		case "steady":
			table.Figure(name, figure)
		case "reload":
			table.AtMost(name, figure, "%v × steady's slowest"+series.Spread(name, "steady", "slowest"), ratio, 1.5)
		default:
			table.Compare(name, figure, ratio, "steady's slowest")
		}
		if name != "steady" {
			table.Figure(name+": took", fmt.Sprintf("%.0f ms", series.Median(name, "took")))
		}
		failed := series.Median(name, "failed")
		table.AtMost(name+": failed", fmt.Sprintf("%.0f", failed), "", failed, 0)
	}
}

// during makes a change in the middle of a load.
func during(t *testing.T, l rig.Load, request time.Duration, change func()) rig.Result {
	t.Helper()
	l.Request, l.Answer = rig.HTTP(fmt.Sprintf("/sleep?ms=%d", request.Milliseconds()))
	result := make(chan rig.Result, 1)
	go func() { result <- l.Run(t) }()
	time.Sleep(l.For / 3)
	change()
	return <-result
}

// startUnits installs the pair that availd units writes.
func startUnits(t *testing.T, port int, options ...string) *harness.Unit {
	t.Helper()
	dir, name := scratch(t), fmt.Sprintf("bench-%d", port)
	args := []string{harness.Availd, "units", "--binary", harness.Availd, "--output", dir, "--conf-dir", dir, "--force", "--listen", harness.Addr(port)}
	harness.MustRun(t, append(append(args, options...), name, "--", httpC)...)
	texts := map[string]string{}
	for _, kind := range []string{".socket", ".service"} {
		text, err := os.ReadFile(filepath.Join(dir, name+kind))
		if err != nil {
			t.Fatal(err)
		}
		texts[kind] = string(text)
	}
	return harness.Install(t, name, texts[".socket"], texts[".service"])
}
