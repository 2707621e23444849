package loop

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/report"
)

// TestReportBeforeDeadline: who has said in time that it is done, or alive, is not
// late because the loop was.
func TestReportBeforeDeadline(t *testing.T) {
	cfg := daemonRules(5)
	cfg.BusyTimeout, cfg.Watchdog = time.Minute, time.Minute
	w := newWorld(t, cfg)
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	w.now += time.Minute
	w.report(report.Message{PID: 101, Avail: report.Idle, Watchdog: true, Jobs: -1, Done: -1})
	w.turn()
	if c := w.condition(); c.Idle != 1 || len(w.signals) != 0 {
		t.Errorf("%+v, signals %q", c, w.signals)
	}
}
