package policy

import (
	"strings"
	"testing"
	"time"
)

func adjustConfig(limit int) Config {
	return Config{Limit: limit, StressEligible: true, Extensions: Extensions{Retire: true, MaxStarting: 1, IdleTimeout: 100 * time.Second, NoStressRestart: true}}
}

func TestAdjustLimit(t *testing.T) {
	t.Run("down: idle ones, oldest first, and nobody else", func(t *testing.T) {
		x := poolOf(t, adjustConfig(9), 6)
		x.play(row{"busy 101", ""}, row{"busy 106", ""})
		x.cfg.Limit = 4
		x.play(row{"adjust", "retire 102 above, retire 103 above"})
		x.counts("total=6 idle=2 busy=2 retiring=2")
		x.play(row{"exit 102 0", ""}, row{"exit 103 0", ""}, row{"busy 104", ""}, row{"busy 105", "full"})
		x.counts("total=4 busy=4")
	})
	t.Run("down under load: then those that got busy last, when they have finished", func(t *testing.T) {
		x := poolOf(t, adjustConfig(6), 5)
		x.play(row{"busy 103", ""}, row{"+3s", ""}, row{"busy 101", ""}, row{"+1s", ""}, row{"busy 105", ""}, row{"+1s", ""}, row{"busy 104", ""})
		x.cfg.Limit = 2
		x.play(row{"adjust", "retire 102 above, retire 105 above, retire 104 above"})
		x.counts("total=5 busy=2 retiring=3") // 103 and 101 go on
		x.play(row{"exit 102 0", "full"}, row{"exit 104 0", ""})
		x.play(row{"exit 105 0", ""}, row{"idle 101", ""}, row{"busy 101", ""})
		x.counts("total=2 busy=2")
	})
	t.Run("down to less than those that leave already", func(t *testing.T) {
		x := poolOf(t, adjustConfig(5), 5)
		x.cfg.Limit = 3
		x.play(row{"adjust", "retire 101 above, retire 102 above"})
		x.cfg.Limit = 2
		x.play(row{"adjust", "retire 103 above"})
		x.cfg.Limit = 5
		x.play(row{"adjust", ""}, row{"exit 101 0", ""}, row{"exit 102 0", ""}, row{"exit 103 0", ""})
		x.counts("total=2 idle=2")
	})
	t.Run("starting ones before busy ones, youngest first", func(t *testing.T) {
		cfg := adjustConfig(9)
		cfg.MaxStarting = 9
		x := play(t, cfg, row{"start", "watch on"}, row{"conn 4", "start 101, watch new, start 102, start 103, start 104"}, row{"busy 101", ""})
		x.cfg.Limit = 2
		x.play(row{"adjust", "watch off, retire 104 above, retire 103 above"})
		x.counts("total=4 starting=1 busy=1 retiring=2")
	})
	t.Run("up: whoever waits gets a worker at once", func(t *testing.T) {
		cfg := adjustConfig(2)
		cfg.StressEligible = false
		x := poolOf(t, cfg, 2)
		x.play(row{"busy 101", ""}, row{"busy 102", ""})
		x.cfg.Limit = 3
		x.play(row{"adjust", "watch on"}, row{"conn", "start 103, watch off"})
	})
	t.Run("none", func(t *testing.T) {
		x := poolOf(t, adjustConfig(4), 3)
		x.cfg.Limit = 0
		x.play(row{"adjust", ""})
		x.counts("total=3 idle=3")
	})
	t.Run("sessions end by themselves", func(t *testing.T) {
		cfg := adjustConfig(4)
		cfg.PerConnection, cfg.NoRetireSignal = true, true
		x := play(t, cfg, row{"start", "watch on"}, row{"conn", "start 101"}, row{"conn", "start 102"}, row{"conn", "start 103"})
		x.cfg.Limit = 1
		x.play(row{"adjust", "watch off"}, row{"exit 101 0", "full"}, row{"exit 102 0", ""}, row{"exit 103 0", "watch on"})
	})
	t.Run("while workers are replaced, who go on being replaced", func(t *testing.T) {
		x := poolOf(t, adjustConfig(6), 6)
		for i := range 6 {
			x.event("busy " + pid(i))
		}
		said := x.event("reload")
		x.cfg.Limit = 2
		said += ", " + x.event("adjust")
		for n := 0; said != "" && n < 30; n++ { // workers do as they are told
			next := ""
			for _, what := range strings.Split(said, ", ") {
				words := strings.Fields(what)
				switch {
				case strings.HasPrefix(what, "retire "):
					next += ", " + x.event("exit "+words[1]+" 0")
				case strings.HasPrefix(what, "start "):
					next += ", " + x.event("ready "+words[1])
				}
			}
			said = strings.Trim(next+", "+x.event("+6s"), ", ")
		}
		if c := x.s.Condition(x.now); c.Total > 2 || c.Total == 0 || c.Retiring != 0 || c.RollingOut {
			t.Errorf("%+v", c)
		}
		for w := x.s.table.oldest; w != nil; w = w.younger {
			if w.generation <= 6 {
				t.Errorf("%d was not replaced", w.id)
			}
		}
	})
}

// TestAboveAfterCrash: an earlier process may have had a higher limit.
func TestAboveAfterCrash(t *testing.T) {
	s := New(adjustConfig(2))
	var entries []Entry
	for id := 101; id <= 104; id++ {
		entries = append(entries, Entry{ID: id, Generation: uint64(id), State: IdleState})
	}
	s.Restore(0, Forgotten(), entries)
	retired := 0
	for _, a := range s.Start(0) {
		if a.Kind == Retire && a.Why == Above {
			retired++
		}
	}
	if c := s.Condition(0); retired != 2 || c.Retiring != 2 || c.Idle != 2 {
		t.Errorf("%d are retired: %+v", retired, c)
	}
}

func TestAdjustRest(t *testing.T) {
	t.Run("more spares", func(t *testing.T) {
		x := play(t, adjustConfig(9), row{"start", "watch on"})
		x.cfg.MinSpare, x.cfg.MaxStarting = 2, 2
		x.play(row{"adjust", "start 101 spare, watch new, start 102 spare, watch off"})
	})
	t.Run("a window of another length begins now", func(t *testing.T) {
		x := poolOf(t, adjustConfig(9), 2)
		x.play(row{"+50s", ""})
		x.cfg.IdleTimeout = 10 * time.Second
		x.play(row{"adjust", ""}, row{"+9999ms", ""}, row{"+1ms", "retire 101 surplus, retire 102 surplus, watch on"})
	})
	t.Run("the same window goes on", func(t *testing.T) {
		x := poolOf(t, adjustConfig(9), 3)
		x.play(row{"+100s", "retire 101 surplus"}, row{"+60s", ""})
		x.cfg.Limit = 8
		x.play(row{"adjust", ""}, row{"+40s", "retire 102 surplus, retire 103 surplus, watch on"})
	})
	t.Run("a pause goes on", func(t *testing.T) {
		cfg := adjustConfig(9)
		cfg.ThrottleDelay = time.Second
		x := play(t, cfg, row{"start", "watch on"})
		x.event("conn")
		x.event("exit 101 1")
		x.cfg.Limit = 3
		x.play(row{"adjust", ""})
		if !x.s.throttle.on {
			t.Error("the pause is over")
		}
	})
	t.Run("a stop goes on", func(t *testing.T) {
		x := poolOf(t, adjustConfig(9), 2)
		x.event("stop")
		x.cfg.Limit = 1
		x.play(row{"adjust", ""})
	})
}

// TestAdjustMany: the cost of lowering the limit under load does not grow with the product
// of how many there are and how many leave.
func TestAdjustMany(t *testing.T) {
	const n = 4000
	s := New(adjustConfig(n))
	var entries []Entry
	for i := range n {
		entries = append(entries, Entry{ID: 1 + i, Generation: uint64(1 + i), State: BusyState, Taken: true})
	}
	s.Restore(0, Forgotten(), entries)
	s.Start(0)
	for w := s.table.oldest; w != nil; w = w.younger {
		w.since = Instant(w.id)
	}
	cfg := s.cfg
	cfg.Limit = 10
	for _, a := range s.Adjust(Instant(n), cfg) {
		if a.Kind == Retire && a.Worker <= 10 {
			t.Errorf("%d is retired, which has been busy for longest", a.Worker)
		}
	}
	if c := s.Condition(Instant(n)); c.Busy != 10 || c.Retiring != n-10 {
		t.Errorf("%+v", c)
	}
}
