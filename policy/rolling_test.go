package policy

import (
	"testing"
	"time"
)

func rollingConfig(limit int) Config {
	return Config{Limit: limit, ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, RetireSignal: 15, MaxStarting: 1,
	}}
}

// busyPool brings n busy workers up, 101 the oldest.
func busyPool(t *testing.T, cfg Config, n int) *scenario {
	t.Helper()
	x := play(t, cfg)
	x.event("start")
	for i := range n {
		x.event("conn")
		x.event("busy " + pid(i))
	}
	x.counts("total=" + itoa(n) + " busy=" + itoa(n))
	return x
}

// Below the limit replacements come first, then old ones go, idle ones first.
func TestRollingBelowTheLimit(t *testing.T) {
	x := busyPool(t, rollingConfig(8), 3) // batches of 2
	x.play(
		row{"idle 102", "watch off"},
		row{"reload", "restart reload, start 104 replacement, start 105 replacement"},
		row{"ready 105", "retire 102 reload, start 106 replacement"},
		row{"ready 104", "retire 101 reload"}, // one is left, one is coming
		row{"exit 102 0", ""},
		row{"busy 106", "retire 103 reload, rolled out 3"},
		row{"+1000s", ""},
	)
	x.counts("total=5 idle=2 busy=1 retiring=2")
}

// Without a limit a batch is a quarter of the pool.
func TestRollingWithoutLimit(t *testing.T) {
	x := busyPool(t, rollingConfig(0), 8)
	x.play(row{"reload", "restart reload, start 109 replacement, watch off, start 110 replacement"})
	x.counts("total=10 starting=2 busy=8")
}

// At the limit a batch goes first, and its slots are filled.
func TestRollingAtTheLimit(t *testing.T) {
	x := busyPool(t, rollingConfig(8), 8)
	x.play(
		row{"idle 103", ""},
		row{"idle 106", ""},
		row{"reload", "restart reload, retire 103 reload, retire 106 reload"},
		row{"exit 103 0", "watch on, start 109 replacement, watch off"},
		row{"ready 109", ""}, // its old one is gone already
		row{"exit 106 0", "start 110 replacement"},
		row{"idle 101", ""},
		row{"ready 110", "retire 101 reload, retire 102 reload"},
	)
	x.counts("total=8 idle=2 busy=4 retiring=2")
}

// Among the busy, who has just begun is asked first: who holds a session for
// long would keep the slot.
func TestRollingAsksLongSessionsLast(t *testing.T) {
	x := busyPool(t, rollingConfig(4), 4)
	x.play(
		row{"+1s", ""},
		row{"idle 102", ""},
		row{"busy 102", ""},
		row{"+1s", ""},
		row{"idle 104", ""},
		row{"busy 104", ""},
		row{"reload", "restart reload, retire 104 reload"},
		row{"exit 104 0", "watch on, start 105 replacement, watch off"},
		row{"ready 105", "retire 102 reload"},
		row{"exit 102 0", "start 106 replacement"},
		row{"ready 106", "retire 101 reload"},
	)
}

// Sessions that last do not hold the rolling restart up for ever.
func TestRollingWithLongSessions(t *testing.T) {
	x := busyPool(t, rollingConfig(4), 4)
	x.play(
		row{"reload", "restart reload, retire 101 reload"},
		row{"+4999ms", ""},
		row{"+1ms", "retire 102 reload"},
		row{"+5s", "retire 103 reload"},
		row{"+5s", "retire 104 reload"},
		row{"+5s", "rolled out 4"}, // nobody is left to be asked
	)
	ticks := x.ticks
	x.play(
		row{"+1000s", ""},
		row{"exit 102 0", "watch on"},
		row{"conn", "start 105, watch off"},
		row{"ready 105", ""},
	)
	if x.ticks != ticks {
		t.Fatal("a timer after the rolling restart")
	}
}

// Every worker of the old revision is replaced, total never passes the
// limit, somebody always serves, and no replacement opens a stress window.
func TestRollingOfEverybody(t *testing.T) {
	for limit := 1; limit <= 20; limit++ {
		for n := 1; n <= limit; n++ {
			cfg := rollingConfig(limit)
			x := busyPool(t, cfg, n)
			x.cfg.StressEligible = true
			x.run("reload", limit)
			for i := 0; x.s.Condition(x.now).RollingOut; i++ {
				if i > 100 {
					t.Fatalf("limit %d, %d workers: it does not end", limit, n)
				}
				for _, w := range x.workers("retiring") {
					x.run("exit "+itoa(w)+" 0", limit)
				}
				for _, w := range x.workers("starting") {
					x.run("ready "+itoa(w), limit)
				}
			}
			if c := x.s.Condition(x.now); c.Counters.StressEpisodes != 0 || c.ToReplace != n || c.Total < n {
				t.Fatalf("limit %d, %d workers: %+v", limit, n, c)
			}
			x.s.Each(x.now, func(w Worker) {
				if w.ID <= 100+n && w.State != "retiring" {
					t.Fatalf("limit %d, %d workers: %+v is left", limit, n, w)
				}
			})
		}
	}
}

func (x *scenario) run(event string, limit int) {
	x.t.Helper()
	said := x.event(event)
	if c := x.s.Condition(x.now); c.Total > limit {
		x.t.Fatalf("%d workers after %s: %s", c.Total, event, said)
	}
}

func (x *scenario) workers(state string) (ids []int) {
	x.s.Each(x.now, func(w Worker) {
		if w.State == state {
			ids = append(ids, w.ID)
		}
	})
	return ids
}

// An idle pool is only retired: it needs no replacement but the spares.
func TestRollingOfAnIdlePool(t *testing.T) {
	x := poolOf(t, rollingConfig(8), 3)
	x.play(row{"+2s", ""}, row{"reload", "restart reload, retire 101 reload, retire 102 reload, retire 103 reload, watch on, rolled out 3"})
	x.play(row{"conn", "start 104, watch off"})
	t.Run("not quiet", func(t *testing.T) {
		x := poolOf(t, rollingConfig(8), 1)
		x.play(row{"+1s", ""}, row{"reload", "restart reload, start 102 replacement"})
	})
	t.Run("spares", func(t *testing.T) {
		x := poolOf(t, rollingConfig(8), 3)
		x.cfg.MinSpare = 1
		x.play(
			row{"+2s", ""},
			row{"reload", "restart reload, retire 101 reload, retire 102 reload, start 104 replacement"},
			row{"ready 104", "retire 103 reload, rolled out 3"},
			row{"exit 101 0", ""}, row{"exit 102 0", ""}, row{"exit 103 0", ""},
			row{"busy 104", "watch on, start 105 spare, watch off"},
		)
	})
	t.Run("holders of clients are replaced", func(t *testing.T) {
		x := poolOf(t, rollingConfig(8), 3)
		x.play(
			row{"jobs 102 4", ""},
			row{"+2s", ""},
			row{"reload", "restart reload, retire 101 reload, retire 103 reload, start 104 replacement"},
			row{"ready 104", "retire 102 reload, rolled out 3"},
		)
	})
	t.Run("nobody", func(t *testing.T) {
		cfg := rollingConfig(8)
		x := play(t, cfg, row{"start", "watch on"}, row{"reload", "restart reload, rolled out 0"})
		x.cfg.MinSpare = 1 // spares come when it is over
		x.play(row{"reload", "restart reload, rolled out 0, start 101 spare, watch off"})
	})
}

func TestNoRollingInTheOriginal(t *testing.T) {
	play(t, Config{Limit: 3}, once(row{"+10s", ""}, row{"reload", "restart reload"}, row{"+10s", ""})...)
}

// A worker that leaves before it was of use replaces nobody.
func TestReplacementLeaves(t *testing.T) {
	play(t, rollingConfig(8), once(
		row{"busy 101", "watch on"},
		row{"reload", "restart reload, start 102 replacement, watch off"},
		row{"stopping 102", "watch on, start 103 replacement, watch off"},
		row{"ready 102", ""},
		row{"ready 103", "retire 101 reload, rolled out 1"},
	)...)
}
