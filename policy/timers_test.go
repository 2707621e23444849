package policy

import (
	"testing"
	"time"
)

func timersConfig() Config {
	return Config{ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, RetireSignal: 15,
		StartTimeout: 30 * time.Second, BusyTimeout: 100 * time.Second, Watchdog: 40 * time.Second,
		RetireTimeout: 20 * time.Second, IgnoreTimeout: 10 * time.Second, AbortGrace: 5 * time.Second,
	}}
}

func TestTimers(t *testing.T) {
	tests := []struct {
		name string
		rows []row
	}{
		{"start-timeout, then KILL", []row{
			{"+29999ms", ""},
			{"+1ms", "overdue 101 start-timeout, signal 101 6, bad start 101, throttle 1s start-timeout"},
			{"+1s", "unthrottle, watch on"},
			{"+3999ms", ""},
			{"+1ms", "overdue 101 start-timeout, signal 101 9"},
			{"+1000s", ""},
			{"killed 101 9", ""},
		}},
		{"ready in time", []row{{"+29s", ""}, {"ready 101", ""}, {"+39999ms", ""}}},
		{"idle proves too", []row{{"+29s", ""}, {"idle 101", "redundant"}, {"+39999ms", ""}}},
		{"busy proves too", []row{{"+29s", ""}, {"busy 101", "watch on"}, {"+39999ms", ""}}},
		{"busy-timeout", []row{
			{"busy 101", "watch on"},
			{"+39s", ""},
			{"alive 101", ""},
			{"+39s", ""},
			{"alive 101", ""},
			{"+21999ms", ""},
			{"+1ms", "overdue 101 busy-timeout, signal 101 6"},
			{"idle 101", ""}, // too late
			{"+5s", "overdue 101 busy-timeout, signal 101 9"},
		}},
		{"busy anew", []row{
			{"busy 101", "watch on"},
			{"+39s", ""},
			{"alive 101", ""},
			{"+39s", ""},
			{"alive 101", ""},
			{"idle 101", "watch off"},
			{"busy 101", "watch on"},
			{"+39s", ""},
			{"alive 101", ""},
			{"+39s", ""},
		}},
		{"the watchdog begins when proven", []row{
			{"+20s", ""},
			{"ready 101", ""},
			{"+39999ms", ""},
			{"+1ms", "overdue 101 silent, signal 101 6, bad start 101, throttle 1s silent"},
		}},
		{"other reports do not feed it", []row{
			{"busy 101", "watch on"},
			{"+39s", ""},
			{"idle 101", "watch off"},
			{"+1s", "overdue 101 silent, signal 101 6, watch on"},
		}},
		{"trigger", []row{
			{"busy 101", "watch on"},
			{"idle 101", "watch off"},
			{"trigger 101", "overdue 101 asked, signal 101 6, watch on"},
			{"trigger 101", ""},
			{"+5s", "overdue 101 asked, signal 101 9"},
			{"trigger 101", ""},
		}},
		{"ends in time", []row{
			{"busy 101", "watch on"},
			{"idle 101", "watch off"},
			{"trigger 101", "overdue 101 asked, signal 101 6, watch on"},
			{"+4s", ""},
			{"killed 101 6", ""},
			{"+1000s", ""},
		}},
		{"retire-timeout", []row{
			{"busy 101", "watch on"},
			{"stop", "closed, retire 101 stop, watch off"},
			{"+19999ms", ""},
			{"+1ms", "overdue 101 retire-timeout, signal 101 9"},
			{"killed 101 9", "drained"},
		}},
		{"ignore-timeout", []row{
			{"ready 101", ""},
			{"stop", "closed, retire 101 stop"},
			{"+9999ms", ""},
			{"+1ms", "overdue 101 ignored, signal 101 9"},
			{"killed 101 9", "drained"},
		}},
		{"retired, then done", []row{
			{"busy 101", "watch on"},
			{"stop", "closed, retire 101 stop, watch off"},
			{"+15s", ""},
			{"idle 101", ""},
			{"+9999ms", ""}, // a fresh patience
			{"+1ms", "overdue 101 ignored, signal 101 9"},
		}},
		{"retired, then lets its clients go", []row{
			{"ready 101", ""},
			{"jobs 101 3", ""},
			{"stop", "closed, retire 101 stop"},
			{"+15s", ""},
			{"jobs 101 1", ""},
			{"+4s", ""},
			{"jobs 101 0", ""},
			{"+9999ms", ""},
			{"+1ms", "overdue 101 ignored, signal 101 9"},
		}},
		{"clients count as busy", []row{
			{"ready 101", ""},
			{"jobs 101 3", ""},
			{"stop", "closed, retire 101 stop"},
			{"+20s", "overdue 101 retire-timeout, signal 101 9"},
		}},
		{"retired, took one more", []row{
			{"ready 101", ""},
			{"stop", "closed, retire 101 stop"},
			{"+5s", ""},
			{"busy 101", ""},
			{"+19999ms", ""},
			{"+1ms", "overdue 101 retire-timeout, signal 101 9"},
		}},
		{"leaves by its own will", []row{
			{"stopping 101", "watch on"},
			{"stopping 101", ""},
			{"+10s", "overdue 101 ignored, signal 101 9"},
			{"killed 101 9", ""},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { play(t, timersConfig(), once(test.rows...)...) })
	}
}

func TestNoTimersInTheOriginal(t *testing.T) {
	x := play(t, Config{}, once(
		row{"+1000s", ""},
		row{"busy 101", "watch on"},
		row{"trigger 101", ""}, // nobody watches over it
		row{"+1000s", ""},
		row{"idle 101", "watch off"},
		row{"stopping 101", "watch on"},
		row{"+1000s", ""},
	)...)
	if _, any := x.s.Deadline(); any || x.ticks != 0 {
		t.Fatal("a timer without an extension")
	}
}

// TestNobodyWasThere: a silence that nobody could have heard is none.
func TestNobodyWasThere(t *testing.T) {
	silent := "overdue 101 silent, signal 101 6, bad start 101, throttle 1s silent"
	play(t, timersConfig(), once(
		row{"late 1h", ""}, // frozen while it was starting
		row{"+999ms", ""},
		row{"ready 101", ""},
		row{"late 1h", ""}, // its word is unread
		row{"alive 101", ""},
		row{"+39999ms", ""},
		row{"+1ms", silent},
	)...)
	play(t, timersConfig(), once(
		row{"ready 101", ""},
		row{"late 1h", ""},
		row{"+999ms", ""},
		row{"+1ms", silent}, // it has nothing to say
	)...)
	play(t, timersConfig(), once(row{"ready 101", ""}, row{"late 41s", silent})...) // not so late
	play(t, timersConfig(), once(row{"ready 101", ""}, row{"late 41001ms", ""})...)
}

// Without grace the ladder has one rung.
func TestNoAbortGrace(t *testing.T) {
	cfg := timersConfig()
	cfg.AbortGrace = 0
	play(t, cfg, once(
		row{"busy 101", "watch on"},
		row{"idle 101", "watch off"},
		row{"+40s", "overdue 101 silent, signal 101 6, watch on, overdue 101 silent, signal 101 9"},
	)...)
}
