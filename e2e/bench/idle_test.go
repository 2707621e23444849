//go:build e2e

package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestIdle: what a service costs that nobody uses, and how soon it is ready.
func TestIdle(t *testing.T) {
	const period = 60 * time.Second
	ready := startTimes(t)
	services := idleServices(t)
	<-time.After(6 * time.Second) // a line of STATUS= comes 5 s after the one before, and a question leaves a timer of 5 s
	meters := make([]rig.Meter, len(services))
	for i, s := range services {
		meters[i] = rig.Measure(s.server.Process)
	}
	<-time.After(period) // the period is what is measured
	table := table(t, fmt.Sprintf("Idle: %v without a client", period))
	table.AtMost("availd: from its start to READY=1", fmt.Sprintf("%.1f ms", ready), "%v ms", ready, 15)
	for i, s := range services {
		ran, wakeups := meters[i].Read()
		figure := fmt.Sprintf("%d, %v of CPU", wakeups, ran.Round(time.Microsecond))
		anon := float64(s.server.Anon()) / 1e6
		if !strings.HasPrefix(s.name, "availd") {
			table.Figure(s.name+": wake-ups", figure)
			table.Figure(s.name+": memory of its own, RssAnon", fmt.Sprintf("%.1f MB", anon))
			continue
		}
		table.AtMost(s.name+": wake-ups, of Go's runtime", figure, "%v", float64(wakeups), 12)
		table.AtMost(s.name+": memory of its own, RssAnon", fmt.Sprintf("%.1f MB", anon), "%v MB", anon, 6)
	}
}

// startTimes is the median of ten starts, in ms.
func startTimes(t *testing.T) float64 {
	var took []float64
	for range 10 {
		a := rig.StartAvaild(t, harness.Availd, harness.Port(), []string{"--protocol=notify"}, httpC)
		took = append(took, float64(a.Ready.Microseconds())/1e3)
		a.Stop()
	}
	return rig.Median(took)
}

func idleServices(t *testing.T) []entrant {
	var entrants []entrant
	for name, options := range map[string][]string{
		"availd, no workers": nil, "availd, 8 idle workers": {"--min-spare=8", "--max-starting=8"},
	} {
		port := harness.Port()
		a := rig.StartAvaild(t, harness.Availd, port, append([]string{"--protocol=notify"}, options...), httpC)
		if options != nil {
			a.AwaitIdle(t, 8)
		}
		entrants = append(entrants, entrant{name, port, a.Server})
	}
	for name, start := range map[string]func(port int) *rig.Server{
		postfix:             func(port int) *rig.Server { return startMaster(t, port, 8, "postfixd") },
		"php-fpm, ondemand": func(port int) *rig.Server { return startFPM(t, port, 8, "ondemand") },
		"xinetd":            func(port int) *rig.Server { return startXinetd(t, port, "UNLIMITED", hello) },
	} {
		port := harness.Port()
		entrants = append(entrants, entrant{name, port, start(port)})
	}
	return entrants
}
