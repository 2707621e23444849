package policy

import (
	"testing"
	"time"
)

// poolOf brings n proven idle workers up, 101 the oldest.
func poolOf(t *testing.T, cfg Config, n int) *scenario {
	t.Helper()
	x := play(t, cfg)
	x.event("start")
	for i := range n {
		x.event("conn")
		x.event("busy " + pid(i))
	}
	for i := range n {
		x.event("idle " + pid(i))
	}
	x.counts("total=" + itoa(n) + " idle=" + itoa(n))
	return x
}

func shrinkConfig() Config {
	return Config{Limit: 9, Extensions: Extensions{Retire: true, IdleTimeout: 100 * time.Second}}
}

func TestIdleWindow(t *testing.T) {
	t.Run("the low-water mark, oldest first", func(t *testing.T) {
		x := poolOf(t, shrinkConfig(), 6)
		x.play(
			row{"+100s", "retire 101 surplus"}, // the first one was alone for a moment
			row{"+50s", ""},
			row{"busy 102", ""}, row{"busy 103", ""}, row{"busy 104", ""},
			row{"idle 104", ""}, row{"idle 102", ""}, row{"idle 103", ""},
			row{"+49999ms", ""},
			row{"+1ms", "retire 102 surplus, retire 103 surplus"},
		)
		x.counts("idle=3 retiring=3")
		x.play(row{"+100s", "retire 104 surplus, retire 105 surplus, retire 106 surplus, watch on"})
	})
	t.Run("spares stay", func(t *testing.T) {
		x := poolOf(t, shrinkConfig(), 5)
		x.s.cfg.MinSpare = 2 // from the start it would have brought more of them up
		x.play(row{"+100s", ""}, row{"+100s", "retire 101 surplus, retire 102 surplus, retire 103 surplus"})
		ticks := x.ticks
		x.play(row{"+1000s", ""})
		if x.ticks != ticks {
			t.Fatal("a timer without surplus")
		}
	})
	t.Run("holders of clients are spared", func(t *testing.T) {
		x := poolOf(t, shrinkConfig(), 3)
		x.play(row{"jobs 101 2", ""}, row{"+100s", "retire 102 surplus"}, row{"+100s", "retire 103 surplus"})
		x.play(row{"jobs 101 0", ""}, row{"+100s", "retire 101 surplus, watch on"})
	})
	t.Run("off", func(t *testing.T) {
		cfg := shrinkConfig()
		cfg.IdleTimeout = 0
		x := poolOf(t, cfg, 3)
		x.play(row{"+10000s", ""})
		if x.ticks != 0 {
			t.Fatal("a timer without the extension")
		}
	})
	t.Run("not while draining", func(t *testing.T) {
		x := poolOf(t, shrinkConfig(), 1)
		x.play(row{"stop", "closed, retire 101 stop"}, row{"+1000s", ""})
	})
}

// A steady load that now and then needs everybody never retires anybody.
func TestSteadyLoadNeverChurns(t *testing.T) {
	x := poolOf(t, shrinkConfig(), 4)
	for range 50 {
		for i := range 4 {
			x.event("busy " + pid(i))
		}
		for i := range 4 {
			x.event("idle " + pid(i))
		}
		x.play(row{"+90s", ""})
	}
	x.counts("total=4 idle=4")
}
