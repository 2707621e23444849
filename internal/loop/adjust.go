package loop

import (
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// This file carries out availd set. The inbox calls adjust, which gives the new numbers to the
// policy within the same turn: nothing is read from files and no worker is replaced, so there
// is nothing to prepare.

// Adjustment is how availd set went.
type Adjustment struct {
	Named    []status.Set // the options that were asked for, as they are now
	Warnings []string     // why the limit cannot be reached
	Err      error
}

// adjust takes over lines of option=value. On error nothing has changed.
func (l *Loop) adjust(lines string) Adjustment {
	if l.draining() {
		return Adjustment{Err: ErrDraining}
	}
	settings, named, err := l.seams.Adjust(lines)
	if err != nil {
		return Adjustment{Err: err}
	}
	l.cfg.Settings = settings
	l.saySettings()
	l.apply(l.policy.Adjust(l.now, settings.Policy))
	return Adjustment{Named: named, Warnings: texts(settings.Ceilings)}
}

func texts(lines []event.Line) (all []string) {
	for _, line := range lines {
		all = append(all, line.String())
	}
	return all
}
