package policy

import (
	"testing"
	"time"
)

// A bad start of the new revision stops the rolling restart, once, without a pause,
// and the old ones stay.
func TestBadStartStopsRolling(t *testing.T) {
	tests := []struct {
		name string
		rows []row
		left string
	}{
		{"bad end", []row{
			{"reload", "restart reload, start 103 replacement, watch off, start 104 replacement"},
			{"exit 103 1", "exited 103 1, rolling restart stopped bad-end"},
			{"exit 104 1", "exited 104 1, bad start 104, throttle 1s bad-end"}, // an ordinary one by now
		}, "total=2 busy=2"},
		{"refused", []row{
			{"refuse 1", ""},
			{"reload", "restart reload, refused replacement, watch off, rolling restart stopped refused, watch on"},
			{"conn", "start 103, watch off"},
		}, "total=3 busy=2 starting=1"},
		{"not ready in time", []row{
			{"reload", "restart reload, start 103 replacement, watch off, start 104 replacement"},
			{"ready 104", "retire 101 reload"},
			{"+30s", "overdue 103 start-timeout, signal 103 6, rolling restart stopped start-timeout"},
			{"killed 103 6", ""},
		}, "total=3 busy=1 idle=1 retiring=1"},
		{"ends at once", []row{
			{"reload", "restart reload, start 103 replacement, watch off, start 104 replacement"},
			{"exit 104 0", "rolling restart stopped quick-end"},
		}, "total=3 busy=2 starting=1"},
		{"started by demand", []row{
			{"reload", "restart reload, start 103 replacement, watch off, start 104 replacement"},
			{"busy 103", "retire 101 reload"},
			{"busy 104", "retire 102 reload, watch on, rolled out 2"}, // nothing is left to stop
			{"conn", "start 105, watch off"},
			{"exit 105 1", "exited 105 1, bad start 105, throttle 1s bad-end"},
		}, "total=4 busy=2 retiring=2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := rollingConfig(8)
			cfg.StartTimeout, cfg.AbortGrace, cfg.QuickExit = 30*time.Second, 5*time.Second, time.Second
			x := busyPool(t, cfg, 2)
			x.play(test.rows...)
			x.counts(test.left)
			if x.s.Condition(x.now).RollingOut {
				t.Fatal("still rolling out")
			}
		})
	}
}

// An old worker's bad end is an ordinary one; the rolling restart goes on after the
// pause.
func TestOldWorkersBadEndPausesRolling(t *testing.T) {
	x := busyPool(t, rollingConfig(8), 2)
	x.play(
		row{"reload", "restart reload, start 103 replacement, watch off, start 104 replacement"},
		row{"exit 101 1", "exited 101 1, bad start 101, throttle 1s bad-end"},
		row{"ready 103", "retire 102 reload"},
		row{"exit 104 0", ""},
		row{"+1s", "unthrottle, rolled out 2"},
	)
}

// Without old workers to fall back on, creation pauses.
func TestBadStartWithoutOldWorkers(t *testing.T) {
	x := busyPool(t, rollingConfig(1), 1)
	x.play(
		row{"reload", "restart reload, retire 101 reload"},
		row{"exit 101 0", "watch on, start 102 replacement, watch off"},
		row{"exit 102 1", "exited 102 1, bad start 102, throttle 1s bad-end"},
		row{"+1s", "unthrottle, watch on, start 103 replacement, watch off"},
		row{"refuse 1", ""},
		row{"exit 103 0", "watch on, refused replacement, watch off, throttle 1s refused"},
		row{"+1s", "unthrottle, watch on, start 104 replacement, watch off"},
		row{"ready 104", "rolled out 1"},
	)
}

// A second reload starts over with the newest configuration.
func TestSecondReloadStartsOver(t *testing.T) {
	x := busyPool(t, rollingConfig(8), 3)
	x.play(
		row{"reload", "restart reload, start 104 replacement, watch off, start 105 replacement"},
		row{"ready 104", "retire 101 reload, start 106 replacement"},
		row{"reload", "restart reload, start 107 replacement, start 108 replacement"},
		row{"ready 105", ""}, // of the generation in between
		row{"ready 107", "retire 104 reload"},
	)
}

// A reload after a stopped rolling restart tries again.
func TestReloadAfterStoppedRolling(t *testing.T) {
	x := busyPool(t, rollingConfig(8), 1)
	x.play(
		row{"reload", "restart reload, start 102 replacement, watch off"},
		row{"exit 102 1", "exited 102 1, rolling restart stopped bad-end, watch on"},
		row{"reload", "restart reload, start 103 replacement, watch off"},
		row{"ready 103", "retire 101 reload, rolled out 1"},
	)
}

func TestReloadInAPause(t *testing.T) {
	x := busyPool(t, rollingConfig(8), 1)
	x.play(
		row{"refuse 1", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
		row{"reload", "restart reload, unthrottle reload, watch on, start 102 replacement, watch off"},
		row{"ready 102", "retire 101 reload, rolled out 1"},
		row{"+10s", ""},
	)
}
