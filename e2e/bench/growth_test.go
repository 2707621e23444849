//go:build e2e

package bench

import (
	"encoding/binary"
	"fmt"
	"io"
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
	name    string
	workers []int    // their pids, the oldest first
	fifo    *os.File // in which they say theirs
}

const (
	growthPairs   = 4000 // reports of busy and of idle each in a round
	growthBatches = 4    // of deaths in a round
	growthFew     = 10   // in a batch: all of the small pool

	// kept is until the manager has got a new worker's descriptor, and some more. Who dies
	// younger costs nothing there, so that both pools must have equally old workers.
	kept = 1200 * time.Millisecond
)

// TestGrowth: what an event costs must not depend on how many workers there are.
func TestGrowth(t *testing.T) {
	const rounds, few, many = 5, growthFew, 5000
	small, big := startCrowd(t, few), startCrowd(t, many)
	series := rig.Series{}
	rig.Rounds(rounds, []*crowd{small, big}, func(c *crowd) {
		series.Add(c.name, "report", c.reports(t))
		series.Add(c.name, "death", c.deaths(t))
		series.Add(c.name, "anon", float64(c.Anon()))
	})
	table := table(t, fmt.Sprintf("Growth: %d workers against %d", many, few))
	for figure, what := range map[string]string{"report": "CPU of a report", "death": "CPU of a death and the start in its place"} {
		table.AtMost(what, fmt.Sprintf("%.1f µs, with %d workers %.1f µs", series.Median(big.name, figure), few, series.Median(small.name, figure)),
			fmt.Sprintf("%%v × that with %d%s", few, series.Spread(big.name, small.name, figure)), series.Ratio(big.name, small.name, figure), 1.3)
	}
	each := (series.Median(big.name, "anon") - series.Median(small.name, "anon")) / (many - few)
	table.AtMost("memory a worker, RssAnon", fmt.Sprintf("%.1f MB in all", series.Median(big.name, "anon")/1e6), "%v kB", each/1e3, 2)
}

func startCrowd(t *testing.T, size int) *crowd {
	path := filepath.Join(scratch(t), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fifo, err := os.OpenFile(path, os.O_RDWR, 0) // one that has a writer has no end
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fifo.Close() })
	n := fmt.Sprint(size)
	c := &crowd{name: n, fifo: fifo}
	c.Availd = rig.StartAvaild(t, harness.Availd, harness.Port(), []string{
		"--protocol=notify", "--limit=" + n, "--min-spare=" + n, "--max-starting=64", "--idle-timeout=1h",
	}, chatter, path, fmt.Sprint(growthPairs))
	for range size {
		c.workers = append(c.workers, c.hear(t))
	}
	<-time.After(2 * time.Second) // until the manager has got their descriptors
	return c
}

// hear waits for a word of a worker, and returns its pid.
func (c *crowd) hear(t *testing.T) int {
	t.Helper()
	var pid [4]byte
	if err := c.fifo.SetReadDeadline(time.Now().Add(4 * harness.Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c.fifo, pid[:]); err != nil {
		t.Fatalf("wait for a worker: %v", err)
	}
	return int(binary.NativeEndian.Uint32(pid[:]))
}

// reports has one worker report, and returns availd's processor time in µs for
// each of them.
func (c *crowd) reports(t *testing.T) float64 {
	meter := rig.Measure(c.Process)
	if err := unix.Kill(c.workers[len(c.workers)/2], unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	c.hear(t)
	ran, _ := meter.Read()
	return float64(ran.Nanoseconds()) / 1e3 / (2 * growthPairs)
}

// deaths ends workers one after the other, the oldest first, and returns availd's
// processor time in µs for each death and the start that follows, with what the
// manager is told of both.
func (c *crowd) deaths(t *testing.T) float64 {
	meter := rig.Measure(c.Process)
	for range growthBatches {
		for range growthFew {
			if err := unix.Kill(c.workers[0], unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			c.workers = append(c.workers[1:], c.hear(t))
		}
		<-time.After(kept)
	}
	ran, _ := meter.Read()
	return float64(ran.Nanoseconds()) / 1e3 / (growthBatches * growthFew)
}
