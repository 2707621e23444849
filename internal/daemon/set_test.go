package daemon

import (
	"testing"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/state"
)

// TestRoomForSets: all that can be set can be written down.
func TestRoomForSets(t *testing.T) {
	if n := len(config.Settable()); n > state.SetMost {
		t.Errorf("%d options are settable, and there is room for %d", n, state.SetMost)
	}
}

// TestSetsSurvive: the next availd finds what was set, unless the service was stopped, and
// knows which line it was about.
func TestSetsSurvive(t *testing.T) {
	f, err := state.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	load := func(limit string) config.Config {
		t.Helper()
		cfg, err := config.Load([]config.Setting{{Name: "limit", Value: limit}}, []string{"worker"})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Name = "web"
		return cfg
	}
	next := func(limit string) *daemon {
		t.Helper()
		d := &daemon{cfg: load(limit), state: f}
		if err := d.restoreSets(); err != nil {
			t.Fatal(err)
		}
		return d
	}
	write := func(d *daemon) { f.SetService(state.Service{Generation: 1, Sets: d.keptSets()}) }

	d := next("9")
	if _, _, err := d.adjust("limit=4\nidle-timeout=1min 30s\nmin-spare=2"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.adjust("min-spare=7"); err == nil || d.cfg.MinSpare != 2 {
		t.Errorf("min-spare=%d, %v", d.cfg.MinSpare, err)
	}
	write(d)
	d = next("9")
	if d.cfg.Limit != 4 || d.cfg.MinSpare != 2 || d.cfg.IdleTimeout.Seconds() != 90 || d.base.Limit != 9 || len(d.setsSaid) != 3 || d.cfg.Name != "web" {
		t.Errorf("%+v, said %v", d.cfg, d.setsSaid)
	}
	if shown := d.shownSets(); shown[0].Option != "limit" || shown[0].Value != "4" || shown[0].Configured != "9" {
		t.Errorf("%+v", shown)
	}
	write(d)
	d = next("8") // the line has changed
	if d.cfg.Limit != 8 || d.cfg.MinSpare != 2 || len(d.sets) != 2 {
		t.Errorf("%+v, %v", d.cfg, d.sets)
	}
	write(d)
	d.stopEnds = 1
	write(d)
	if d = next("8"); d.cfg.MinSpare != 0 || len(d.sets) != 0 {
		t.Errorf("%v after a stop", d.sets)
	}
}
