package policy

import (
	"testing"
	"time"
)

func backgroundConfig(limit int) Config {
	cfg := crashConfig()
	cfg.Limit, cfg.QuickExit = limit, time.Second
	return cfg
}

// A command that goes into the background has failed to start; what it left keeps the
// slot, so that pauses grow and processes do not.
func TestBackground(t *testing.T) {
	for _, silent := range []bool{false, true} {
		cfg := backgroundConfig(2)
		if silent {
			cfg.QueueDelay = 20 * time.Millisecond
		}
		x := play(t, cfg,
			row{"start", "watch on"},
			row{"conn", "start 101, watch off"},
			row{"heir 101 901", "bad start 901, throttle 1s background"},
			row{"+1s", "unthrottle, watch on"},
			row{"conn", "start 102, watch off"},
			row{"heir 102 902", "bad start 902, throttle 2s background"},
			row{"+1h", "unthrottle"}, // at the limit
		)
		x.counts("total=2 retiring=2")
		x.play(
			row{"exit 901 0", "watch on"},
			row{"stop", "closed, watch off"},
			row{"exit 902 0", "drained"},
		)
	}
}

// A process in the background may do the same once more, and more of them do not
// lengthen the pause that there is.
func TestBackgroundTwice(t *testing.T) {
	x := play(t, backgroundConfig(3), once(
		row{"heir 101 901", "bad start 901, throttle 1s background"},
		row{"heir 901 902", ""},
		row{"heir 999 903", ""}, // no worker
		row{"+1s", "unthrottle, watch on"},
	)...)
	x.counts("total=1 retiring=1")
}

// A worker that had done its work leaves a process at its end: it has its slot, and
// nothing pauses.
func TestBackgroundLater(t *testing.T) {
	x := play(t, backgroundConfig(3), once(
		row{"busy 101", "watch on"},
		row{"idle 101", "watch off"},
		row{"heir 101 901", "background 901, watch on"},
		row{"conn", "start 102, watch off"},
		row{"+20s", ""},
		row{"heir 102 902", "background 902, watch on"}, // too old for a start
	)...)
	x.counts("total=2 retiring=2")
}

// A new version that goes into the background is no success of a reload.
func TestBackgroundStopsRolling(t *testing.T) {
	x := busyPool(t, backgroundConfig(8), 2)
	x.event("reload")
	if got := x.event("heir 103 901"); got != "rolling restart stopped background" {
		t.Error(got)
	}
}
