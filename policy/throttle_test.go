package policy

import (
	"testing"
	"time"
)

func doublingConfig() Config {
	return Config{Limit: 5, ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, ThrottleMax: 5 * time.Second,
	}}
}

func TestThrottleDoubles(t *testing.T) {
	play(t, doublingConfig(),
		row{"start", "watch on"},
		row{"refuse 9", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
		row{"+1s", "unthrottle, watch on"},
		row{"conn", "refused, throttle 2s refused, watch off"},
		row{"+2s", "unthrottle, watch on"},
		row{"conn", "refused, throttle 4s refused, watch off"},
		row{"+4s", "unthrottle, watch on"},
		row{"conn", "refused, throttle 5s refused, watch off"},
		row{"+5s", "unthrottle, watch on"},
		row{"conn", "refused, throttle 5s refused, watch off"},
	)
}

func TestThrottleDoesNotDouble(t *testing.T) {
	for _, most := range []time.Duration{0, time.Second, 3 * time.Second} {
		play(t, Config{ThrottleDelay: 3 * time.Second, Extensions: Extensions{ThrottleMax: most}},
			row{"start", "watch on"},
			row{"refuse 9", ""},
			row{"conn", "refused, throttle 3s refused, watch off"},
			row{"+3s", "unthrottle, watch on"},
			row{"conn", "refused, throttle 3s refused, watch off"},
		)
	}
}

// Only a job finished by a worker started since the pause began makes pauses
// short again.
func TestThrottleIsReset(t *testing.T) {
	play(t, doublingConfig(), once(
		row{"busy 101", "watch on"},
		row{"refuse 1", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
		row{"+1s", "unthrottle, watch on"},
		row{"idle 101", "watch off"}, // an old one proves nothing
		row{"busy 101", "watch on"},
		row{"conn", "start 102, watch off"},
		row{"killed 102 11", "killed 102 11, bad start 102, throttle 2s bad-end"},
		row{"+2s", "unthrottle, watch on"},
		row{"conn", "start 103, watch off"},
		row{"busy 103", "watch on"},
		row{"conn", "start 104, watch off"},
		row{"exit 104 3", "exited 104 3, bad start 104, throttle 4s bad-end"}, // 103 has not finished yet
		row{"idle 103", ""},                                                   // started before that pause
		row{"+4s", "unthrottle"},
		row{"busy 103", "watch on"},
		row{"conn", "start 105, watch off"},
		row{"busy 105", "watch on"},
		row{"idle 105", "watch off"},
		row{"busy 105", "watch on"},
		row{"refuse 1", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
	)...)
}

// A reload ends the pause, and the next one is short.
func TestReloadEndsThrottle(t *testing.T) {
	play(t, doublingConfig(),
		row{"start", "watch on"},
		row{"refuse 2", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
		row{"+1s", "unthrottle, watch on"},
		row{"conn", "refused, throttle 2s refused, watch off"},
		row{"reload", "restart reload, unthrottle reload, watch on, rolled out 0"},
		row{"refuse 1", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
	)
	play(t, Config{ThrottleDelay: time.Second},
		row{"start", "watch on"},
		row{"refuse 1", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
		row{"reload", "restart reload"}, // the original lets it be
		row{"+1s", "unthrottle, watch on"},
	)
}

// While creation pauses, a bad end is told but not booked.
func TestBadEndsInAPause(t *testing.T) {
	cfg := doublingConfig()
	cfg.MaxStarting = 3
	x := play(t, cfg,
		row{"start", "watch on"},
		row{"conn 3", "start 101, watch new, start 102, start 103, watch off"},
		row{"exit 101 1", "exited 101 1, bad start 101, throttle 1s bad-end"},
		row{"exit 102 1", "exited 102 1"},
		row{"killed 103 6", "killed 103 6"},
		row{"+1s", "unthrottle, watch on"},
	)
	if c := x.s.Condition(x.now).Counters; c.BadStarts != 1 || c.Throttles != 1 || c.Exited != 3 {
		t.Fatalf("%+v", c)
	}
}
