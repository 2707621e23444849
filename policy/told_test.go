package policy

import (
	"testing"
	"time"
)

func toldConfig() Config {
	return Config{Limit: 5, ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, RetireSignal: 15, StartTimeout: 30 * time.Second, BusyTimeout: time.Minute,
		Watchdog: 10 * time.Second, AbortGrace: 5 * time.Second, IgnoreTimeout: 8 * time.Second,
	}}
}

// The end of a worker that was retired is never a bad start.
func TestToldToLeaveIsNoFailure(t *testing.T) {
	tests := []struct {
		name string
		rows []row
	}{
		{"good end", []row{{"exit 101 0", ""}}},
		{"exit status", []row{{"exit 101 1", "exited 101 1"}}},
		{"the retire signal", []row{{"killed 101 15", ""}}},
		{"another signal", []row{{"killed 101 11", "killed 101 11"}}},
		{"killed", []row{{"alive 101", ""}, {"+8s", "overdue 101 ignored, signal 101 9"}, {"killed 101 9", ""}}},
		{"silent while it leaves", []row{
			{"jobs 101 1", ""}, {"+8s", "overdue 101 silent, signal 101 6"}, {"killed 101 6", ""},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := play(t, toldConfig(), once(
				row{"ready 101", ""},
				row{"+2s", ""},
				row{"reload", "restart reload, retire 101 reload, watch on, rolled out 1"},
			)...)
			x.play(test.rows...)
			if c := x.s.Condition(x.now); c.Counters.BadStarts != 0 || c.Throttled || c.Total != 0 {
				t.Fatalf("a failure: %+v", c)
			}
		})
	}
}

// Without the extension nobody is told, and a restart excuses nothing.
func TestNobodyIsToldWithoutTheExtension(t *testing.T) {
	play(t, Config{Limit: 5, ThrottleDelay: time.Second}, once(
		row{"reload", "restart reload"},
		row{"killed 101 15", "killed 101 15, bad start 101, throttle 1s bad-end"},
		row{"+1s", "unthrottle, watch on"},
	)...)
}

// What availd kills for start-timeout and watchdog has failed, once; what it
// kills for busy-timeout has not.
func TestKilledWithoutFinishedJob(t *testing.T) {
	tests := []struct {
		name string
		rows []row
		bad  uint64
	}{
		{"start-timeout", []row{
			{"+30s", "overdue 101 start-timeout, signal 101 6, bad start 101, throttle 1s start-timeout"},
			{"+2s", "unthrottle, watch on"},
			{"killed 101 6", ""},
		}, 1},
		{"start-timeout, ends in the pause", []row{
			{"+30s", "overdue 101 start-timeout, signal 101 6, bad start 101, throttle 1s start-timeout"},
			{"exit 101 1", "exited 101 1"},
			{"+2s", "unthrottle, watch on"},
		}, 1},
		{"silent", []row{
			{"ready 101", ""},
			{"+10s", "overdue 101 silent, signal 101 6, bad start 101, throttle 1s silent"},
			{"killed 101 6", ""},
			{"+2s", "unthrottle, watch on"},
		}, 1},
		{"silent after work", []row{
			{"busy 101", "watch on"},
			{"idle 101", "watch off"},
			{"+10s", "overdue 101 silent, signal 101 6, watch on"},
			{"killed 101 6", ""},
		}, 0},
		{"trigger", []row{
			{"trigger 101", "overdue 101 asked, signal 101 6, bad start 101, throttle 1s asked"},
			{"trigger 101", ""},
			{"+2s", "unthrottle, watch on"},
			{"killed 101 6", ""},
		}, 1},
		{"busy-timeout", []row{
			{"busy 101", "watch on"},
			{"+9s", ""},
			{"alive 101", ""},
			{"+9s", ""},
			{"alive 101", ""},
			{"+9s", ""},
			{"alive 101", ""},
			{"+9s", ""},
			{"alive 101", ""},
			{"+9s", ""},
			{"alive 101", ""},
			{"+9s", ""},
			{"alive 101", ""},
			{"+6s", "overdue 101 busy-timeout, signal 101 6"},
			{"exit 101 1", "exited 101 1"},
		}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := play(t, toldConfig(), once(test.rows...)...)
			if c := x.s.Condition(x.now); c.Counters.BadStarts != test.bad || c.Counters.Killed != 1 || c.Total != 0 {
				t.Fatalf("%+v", c)
			}
		})
	}
}
