//go:build e2e

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// crowd is a pool of workers that serve nobody and can be told to report.
type crowd struct {
	*rig.Availd
	name string
	size int
	fifo string
}

const (
	growthPairs  = 4000 // reports of busy and of idle each in a round
	growthDeaths = 150  // in a round
)

// TestGrowth: what an event costs must not depend on how many workers there are.
func TestGrowth(t *testing.T) {
	const rounds, few, many = 5, 10, 5000
	crowds := map[string]*crowd{}
	var all []string
	for _, size := range []int{few, many} {
		c := startCrowd(t, size)
		crowds[c.name] = c
		all = append(all, c.name)
	}
	series := rig.Series{}
	rig.Rounds(rounds, all, func(name string) {
		c := crowds[name]
		series.Add(name, "report", c.reports(t))
		series.Add(name, "death", c.deaths(t))
		series.Add(name, "anon", float64(c.Anon()))
	})
	table := table(t, fmt.Sprintf("Growth: %d workers against %d", many, few))
	for figure, what := range map[string]string{"report": "CPU of a report", "death": "CPU of a death and the birth in its place"} {
		table.AtMost(what, fmt.Sprintf("%.1f µs, with %d workers %.1f µs", series.Median(all[1], figure), few, series.Median(all[0], figure)),
			fmt.Sprintf("%%v × that with %d", few), series.Ratio(all[1], all[0], figure), 1.3)
	}
	each := (series.Median(all[1], "anon") - series.Median(all[0], "anon")) / (many - few)
	table.AtMost("memory a worker, RssAnon", fmt.Sprintf("%.1f MB in all", series.Median(all[1], "anon")/1e6), "%v kB", each/1e3, 2)
}

func startCrowd(t *testing.T, size int) *crowd {
	c := &crowd{name: fmt.Sprint(size), size: size, fifo: filepath.Join(scratch(t), "done")}
	if err := unix.Mkfifo(c.fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	n := fmt.Sprint(size)
	c.Availd = rig.StartAvaild(t, harness.Availd, harness.Port(), []string{
		"--protocol=notify", "--limit=" + n, "--min-spare=" + n, "--max-starting=64", "--idle-timeout=1h",
	}, chatter, c.fifo, fmt.Sprint(growthPairs))
	c.AwaitIdle(t, size)
	time.Sleep(2 * time.Second) // until the manager has got their descriptors
	return c
}

// reports has one worker report, and returns availd's processor time in µs for
// each of them.
func (c *crowd) reports(t *testing.T) float64 {
	workers := c.Workers()
	meter := rig.Measure(c.Process)
	if err := unix.Kill(workers[len(workers)/2].PID, unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(c.fifo); err != nil { // until it is done
		t.Fatal(err)
	}
	ran, _ := meter.Read()
	return float64(ran.Nanoseconds()) / 1e3 / (2 * growthPairs)
}

// deaths ends workers one after the other, and returns availd's processor time
// in µs for each.
func (c *crowd) deaths(t *testing.T) float64 {
	known := map[int]bool{}
	for _, p := range c.Workers() {
		known[p.PID] = true
	}
	meter := rig.Measure(c.Process)
	for range growthDeaths {
		victim := c.Workers()[0]
		if err := unix.Kill(victim.PID, unix.SIGTERM); err != nil {
			t.Fatal(err)
		}
		harness.WaitFor(t, "another worker", harness.Patience, func() bool {
			for _, p := range c.Workers() {
				if !known[p.PID] && p.Exe() == chatter && p.State() == "S" { // it has reported, and waits
					known[p.PID] = true
					return true
				}
			}
			return false
		})
	}
	ran, _ := meter.Read()
	return float64(ran.Nanoseconds()) / 1e3 / growthDeaths
}
