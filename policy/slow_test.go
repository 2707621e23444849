package policy

import (
	"fmt"
	"testing"
	"time"
)

// TestSlow: a request that takes long is told once, with its beginning, and the next one is
// another.
func TestSlow(t *testing.T) {
	cfg := timersConfig()
	cfg.Watchdog, cfg.SlowAfter = 0, 2*time.Second
	tests := []struct {
		name string
		rows []row
	}{
		{"once", []row{{"busy 101", "watch on"}, {"+1999ms", ""}, {"+1ms", "slow 101 since 0s"}, {"+20s", ""}, {"idle 101", "watch off"}}},
		{"each request", []row{
			{"busy 101", "watch on"},
			{"+2s", "slow 101 since 0s"},
			{"idle 101", "watch off"},
			{"busy 101", "watch on"},
			{"+1s", ""},
			{"idle 101", "watch off"},
			{"+5s", ""},
			{"busy 101", "watch on"},
			{"+3s", "slow 101 since 8s"},
		}},
		{"one after the other without a pause", []row{
			{"busy 101", "watch on"},
			{"+1500ms", ""},
			{"busy 101 done=1", "redundant"},
			{"+1500ms", ""},
			{"done 101 1", ""},
			{"+1500ms", ""},
			{"+1s", "slow 101 since 3s"},
		}},
		{"while it is asked to retire", []row{
			{"busy 101", "watch on"}, {"reload", "restart reload"}, {"+2s", "slow 101 since 0s"},
		}},
		{"it is not told of one that is aborted", []row{
			{"busy 101", "watch on"}, {"+2s", "slow 101 since 0s"}, {"+98s", "overdue 101 busy-timeout, signal 101 6"},
		}},
		{"not of one that is idle or starting", []row{{"+20s", ""}, {"ready 101", ""}, {"+20s", ""}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := play(t, cfg, append([]row{{"start", "watch on"}, {"conn", "start 101, watch off"}}, test.rows[:0]...)...)
			for _, r := range test.rows {
				got := x.event(r.event)
				if r.event == "reload" { // what else it brings is not the matter here
					continue
				}
				if got != r.want {
					t.Fatalf("at %v: %s: got %q, want %q", x.now, r.event, got, r.want)
				}
			}
		})
	}
}

// TestSlowTogether: requests that become slow within the precision are told at once, late and
// never early, and a worker that has finished meanwhile is not told of.
func TestSlowTogether(t *testing.T) {
	cfg := timersConfig()
	cfg.Watchdog, cfg.SlowAfter, cfg.Limit = 0, 2*time.Second, 3
	x := play(t, cfg, row{"start", "watch on"})
	for n, at := range []string{"+1ms", "+40ms", "+40ms"} {
		x.event(at)
		x.event("conn")
		x.event(fmt.Sprint("busy ", 101+n))
	}
	slow := func() uint64 { return x.s.Condition(x.now).Counters.Slow }
	if x.event("+2018ms"); x.now != 2099*time.Millisecond || slow() != 0 {
		t.Errorf("%d are told at %v", slow(), x.now)
	}
	x.event("idle 102")
	if got, due := slow(), x.s.deadlines.table.due(); got != 0 || due != 2100*time.Millisecond {
		t.Errorf("%d are told at %v, the next at %v", got, x.now, due)
	}
	if x.event("+1ms"); slow() != 2 {
		t.Errorf("%d are told at %v, want 2", slow(), x.now)
	}
}

// TestSlowReload: another time is in force at once for a request that has begun.
func TestSlowReload(t *testing.T) {
	cfg := timersConfig()
	cfg.Watchdog = 0
	x := play(t, cfg, row{"start", "watch on"}, row{"conn", "start 101, watch off"}, row{"busy 101", "watch on"}, row{"+10s", ""})
	x.cfg.SlowAfter = 3 * time.Second
	x.event("reload")
	x.event("+1s") // as after any time that Tick comes late by
	if since, serves := x.s.ServingSince(101); !serves || since != 0 || x.s.Condition(x.now).Counters.Slow != 1 {
		t.Errorf("serving since %v, %t; %d slow requests", since, serves, x.s.Condition(x.now).Counters.Slow)
	}
	if _, serves := x.s.ServingSince(999); serves {
		t.Error("a worker that is not there serves")
	}
}
