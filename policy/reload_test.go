package policy

import (
	"testing"
	"time"
)

func TestReloadChangesTheLimit(t *testing.T) {
	t.Run("up", func(t *testing.T) {
		x := busyPool(t, rollingConfig(4), 4)
		x.cfg.Limit = 16
		x.play(row{"reload", "restart reload, watch on, start 105 replacement, watch off, start 106 replacement, start 107 replacement, start 108 replacement"})
		x.counts("total=8 starting=4 busy=4")
	})
	t.Run("down", func(t *testing.T) {
		x := busyPool(t, rollingConfig(8), 6)
		x.cfg.Limit = 4
		x.play(
			row{"reload", "restart reload, watch off, retire 101 reload, retire 102 reload, retire 103 reload"},
			row{"exit 101 0", ""},
			row{"exit 102 0", ""},
			row{"exit 103 0", "watch on, start 107 replacement, watch off"},
			row{"ready 107", "retire 104 reload"},
		)
		x.counts("total=4 idle=1 busy=2 retiring=1")
	})
	t.Run("down in the original", func(t *testing.T) {
		x := busyPool(t, Config{Limit: 8}, 3)
		x.cfg.Limit = 2
		x.play(
			row{"reload", "restart reload, watch off"},
			row{"exit 101 0", ""},
			row{"exit 102 0", "watch on"},
		)
	})
	t.Run("to none and back", func(t *testing.T) {
		x := busyPool(t, rollingConfig(1), 1)
		x.cfg.Limit = 0
		x.play(
			row{"reload", "restart reload, watch on, start 102 replacement, watch off"},
			row{"ready 102", "retire 101 reload, rolled out 1"},
		)
		x.cfg.Limit = 1
		x.play(row{"reload", "restart reload, retire 102 reload"}, row{"exit 101 0", ""})
		x.play(row{"exit 102 0", "watch on, start 103 replacement, watch off"})
	})
}

// The deadlines of the new configuration hold for the workers that are there.
func TestReloadChangesTimers(t *testing.T) {
	x := busyPool(t, rollingConfig(8), 1)
	x.cfg.BusyTimeout, x.cfg.AbortGrace = 10*time.Second, 5*time.Second
	x.play(
		row{"+3s", ""},
		row{"reload", "restart reload, start 102 replacement, watch off"},
		row{"+6999ms", ""},
		row{"+1ms", "overdue 101 busy-timeout, signal 101 6, rolled out 1"},
	)
	x.cfg.AbortGrace = time.Hour
	x.play(row{"reload", "restart reload, start 103 replacement"}, row{"+10s", ""}, row{"exit 101 0", ""})
}

func TestReloadChangesSpares(t *testing.T) {
	x := play(t, rollingConfig(8), row{"start", "watch on"})
	x.cfg.MinSpare = 1
	x.play(row{"reload", "restart reload, rolled out 0, start 101 spare, watch off"}, row{"ready 101", ""})
	x.cfg.MinSpare = 0
	x.play(row{"+2s", ""}, row{"reload", "restart reload, retire 101 reload, watch on, rolled out 1"})
	x.play(row{"exit 101 0", ""})
}
