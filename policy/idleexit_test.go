package policy

import (
	"testing"
	"time"
)

func TestExitWhenIdle(t *testing.T) {
	cfg := Config{Limit: 3, ThrottleDelay: time.Second, Extensions: Extensions{ExitIdleTime: 10 * time.Second}}
	play(t, cfg,
		row{"start", "watch on"},
		row{"+9999ms", ""},
		row{"+1ms", "exit idle"},
		row{"+9s", ""}, // a connection waited, so it stayed: a new period
		row{"conn", "start 101, watch off"},
		row{"+100s", ""},
		row{"exit 101 1", "exited 101 1, bad start 101, throttle 1s bad-end"},
		row{"+1s", "unthrottle, watch on"},
		row{"+9999ms", ""},
		row{"+1ms", "exit idle"},
	)
	cfg.ExitIdleTime = 0
	play(t, cfg, row{"start", "watch on"}, row{"+1000s", ""})
}

func TestNoExitWhileDraining(t *testing.T) {
	cfg := stopConfig()
	cfg.ExitIdleTime = 10 * time.Second
	play(t, cfg, row{"start", "watch on"}, row{"stop", "closed, watch off, drained"}, row{"+100s", ""})
}
