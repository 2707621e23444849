package loop

import (
	"time"

	"github.com/availd/availd/policy"
)

// This file feeds the watchdog of the service manager. A turn calls wakeUp first and beat
// last.
//
// A service that does nothing would wake for nothing but WATCHDOG=1, twice in each period,
// and there are many of them on a host. So after a period without anything else systemd
// is asked for a longer one (WATCHDOG_USEC= of sd_notify(3)), and for the unit's again by
// the first thing that a turn does which something else has woken: a turn that hangs is
// found as soon as ever. Only an availd that is stopped while it has nothing to do is
// found later.

// restful is how many times longer the period is then, and mostRest the longest.
const (
	restful  = 20
	mostRest = 10 * time.Minute
)

// watchdog is when WATCHDOG=1 is due.
type watchdog struct {
	*core
	due   policy.Instant // 0 = none wanted
	begun bool           // an earlier image may have asked for another period than the unit's
	rests bool           // the longer period is in force
	turns int            // since the latest WATCHDOG=1, that one included
}

// start sends the first one at the end of the first turn.
func (w *watchdog) start() {
	if w.cfg.Watchdog > 0 {
		w.due = w.now
	}
}

// wakeUp begins a turn. cfg.Watchdog is half of the unit's period.
func (w *watchdog) wakeUp() {
	if w.turns++; w.rests && w.now < w.due {
		w.rests, w.due = false, w.now+w.cfg.Watchdog
		w.seams.Beat(2 * w.cfg.Watchdog)
	}
}

// beat ends a turn.
func (w *watchdog) beat() {
	if w.due == 0 || w.now < w.due {
		return
	}
	period := w.restPeriod()
	switch {
	case !w.begun:
		w.begun = true
		w.seams.Beat(2 * w.cfg.Watchdog)
		w.due = w.now + w.cfg.Watchdog
	case w.rests:
		w.seams.Beat(0)
		w.due = w.now + period/2
	case w.turns <= 1 && !w.draining():
		w.rests = true
		w.seams.Beat(period)
		w.due = w.now + period/2
	default:
		w.seams.Beat(0)
		w.due = w.now + w.cfg.Watchdog
	}
	w.turns = 0
}

// restPeriod is the longer period; never shorter than the unit's.
func (w *watchdog) restPeriod() time.Duration {
	own := 2 * w.cfg.Watchdog
	return max(own, min(restful*own, mostRest))
}
