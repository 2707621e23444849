package daemon

import (
	"errors"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/internal/status"
)

// This file has the values of availd set. d.base is the configuration as it was read, d.sets
// are these values, and d.cfg is the one with the others. They are written down with the
// state, so that they outlive a crash and an upgrade; a stop ends them.

// adjust takes over lines of option=value; see [loop.Seams]. It is called by the loop, and
// neither reads a file nor asks anybody: the numbers of the limits of the system are those
// that a reload looks at.
func (d *daemon) adjust(lines string) (loop.Settings, []status.Set, error) {
	sets, names, err := d.base.Change(d.sets, lines)
	if err != nil {
		return loop.Settings{}, nil, err
	}
	if len(sets) > state.SetMost {
		return loop.Settings{}, nil, errManySets
	}
	cfg, err := d.base.With(sets)
	if err != nil {
		return loop.Settings{}, nil, err
	}
	cfg.Name = d.cfg.Name
	before, earlier := d.cfg, d.sets
	d.cfg = cfg
	d.useSets(sets)
	s := d.settingsAfter(before.Limit)
	named := make([]status.Set, 0, len(names))
	for _, name := range names {
		now := status.Set{Option: name, Value: cfg.Value(name), Configured: d.base.Value(name)}
		named = append(named, now)
		switch {
		case isSet(sets, name):
			s.Changes = append(s.Changes, event.SetValue.With(event.Option(name), event.SetTo(now.Value), event.Configured(now.Configured)))
		case isSet(earlier, name):
			s.Changes = append(s.Changes, event.SetTakenBack.With(event.Option(name), event.SetTo(now.Value), event.Was(before.Value(name))))
		}
	}
	return s, named, nil
}

// errManySets cannot come about while fewer options are settable than the state has room for,
// which a test sees to.
var errManySets = errors.New("there is no room for one more value")

func isSet(sets []config.Set, name string) bool {
	for _, s := range sets {
		if s.Option == name {
			return true
		}
	}
	return false
}

// keepSets puts the values of availd set that are still good on top of a configuration that
// was read, and says what has become of the others.
func (d *daemon) keepSets(base config.Config) (cfg config.Config, said []event.Line, err error) {
	kept, outdated, unfit := base.Keep(d.sets)
	if cfg, err = base.With(kept); err != nil {
		return base, nil, err // not so: base is a whole configuration, and so is each that Keep has tried
	}
	for _, s := range outdated {
		said = append(said, event.SetOutdated.With(event.Option(s.Option), event.SetTo(cfg.Value(s.Option)), event.Was(s.Value)))
	}
	for _, s := range unfit {
		said = append(said, event.SetUnfit.With(event.Option(s.Option), event.SetTo(cfg.Value(s.Option)), event.Was(s.Value)))
	}
	d.base = base
	d.useSets(kept)
	return cfg, said, nil
}

func (d *daemon) useSets(sets []config.Set) {
	d.sets, d.setsKept = sets, [state.SetMost]state.Set{}
	for i, s := range sets {
		d.setsKept[i] = s.Pack()
	}
}

// restoreSets finds the values that an earlier availd has left.
func (d *daemon) restoreSets() error {
	before, known := d.state.Service()
	d.base = d.cfg
	if !known {
		return nil
	}
	for _, s := range before.Sets {
		if s == (state.Set{}) {
			continue
		}
		set, err := config.Unpack(s)
		if err != nil { // of a version that could set more: nobody knows which one
			continue
		}
		d.sets = append(d.sets, set)
	}
	cfg, said, err := d.keepSets(d.cfg)
	if err != nil {
		return internal(err)
	}
	d.cfg, d.setsSaid = cfg, said
	for _, s := range d.sets {
		d.setsSaid = append(d.setsSaid, event.SetKept.With(event.Option(s.Option), event.SetTo(s.Value), event.Configured(d.base.Value(s.Option))))
	}
	return nil
}

// keptSets is what is written down: nothing once the service is being stopped.
func (d *daemon) keptSets() [state.SetMost]state.Set {
	if d.stopEnds != 0 {
		return [state.SetMost]state.Set{}
	}
	return d.setsKept
}

// shownSets is what the status says of them.
func (d *daemon) shownSets() (shown []status.Set) {
	for _, s := range d.sets {
		shown = append(shown, status.Set{Option: s.Option, Value: s.Value, Configured: d.base.Value(s.Option)})
	}
	return shown
}
