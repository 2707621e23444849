package loop

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/report"
)

// TestDumps: an aborted worker is killed when its core dump is written, not before.
func TestDumps(t *testing.T) {
	cfg := daemonRules(5)
	cfg.BusyTimeout, cfg.DumpTimeout = time.Second, time.Minute
	w := newWorld(t, cfg)
	w.connect()
	w.turn()
	w.says(101, report.Busy)
	w.after(time.Second)
	w.expectSignals("101", "ABRT")
	w.dumps = map[int]bool{101: true}
	for range 20 {
		w.after(time.Second)
	}
	w.expectSignals("101")
	w.dumps[101] = false
	w.after(time.Second)
	w.expectSignals("101", "KILL")
}
