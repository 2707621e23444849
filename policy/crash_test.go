package policy

import (
	"slices"
	"testing"
	"time"
)

// keeper is what a caller writes down: an entry at each start, and whatever
// Changes tells later.
type keeper struct{ entries map[int]Entry }

func (k *keeper) started(e Entry) {
	if k.entries == nil {
		k.entries = map[int]Entry{}
	}
	k.entries[e.ID] = e
}

func (k *keeper) list() []Entry {
	var all []Entry
	for _, e := range k.entries {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Entry) int { return int(a.Generation) - int(b.Generation) })
	return all
}

// entry is the present truth about w.
func entry(w *worker) Entry {
	return Entry{
		ID: w.id, Generation: w.generation, Started: w.started, State: uint8(w.state), Retiring: w.retiring, Told: w.told,
		Taken: w.taken, Blamed: w.blamed, Aborted: w.aborted, Stress: w.stress, Held: w.held, Finished: w.finished,
	}
}

// keep writes down what changed, and holds it against the truth: a worker whose
// change went untold would be restored as what it was.
func (c *checker) keep() {
	c.s.Changes(c.kept.started)
	n := 0
	for w := c.s.table.oldest; w != nil; w = w.younger {
		n++
		if got := c.kept.entries[w.id]; got != entry(w) {
			c.t.Fatalf("on record %+v\nin truth  %+v\n%s", got, entry(w), &c.log)
		}
	}
	c.must(n == len(c.kept.entries), "keep", "only the living on record")
}

// crash puts a new service in the place of the one that runs, from nothing but
// what was written down.
func (c *checker) crash() {
	if c.stopped { // availd is not started again then
		return
	}
	c.keep()
	c.asked = 0 // the start did not happen
	memory, before := c.s.Memory(), c.s.Condition(c.now)
	before.Total -= c.s.pending.n()
	before.Starting -= c.s.pending.n()
	if c.s.throttle.shortage { // the next one tries at once, and is told if something is wanting
		before.Throttled = false
	}
	before.Owed = 0 // the connections were this process's
	c.s = New(c.cfg)
	c.s.Restore(c.now, memory, c.kept.list())
	after := c.s.Condition(c.now)
	memory.Counters.Adopted += uint64(len(c.living))
	before.Counters = memory.Counters
	c.must(sameAfterCrash(before, after), "restore", "what it was before the crash")
	c.restored()
	c.watch, c.told = WatchOff, nil
	if c.s.rolling.on {
		c.ends++
	}
	if again := c.s.Memory(); again != memory {
		c.t.Fatalf("remembered %+v\nrestored   %+v\n%s", memory, again, &c.log)
	}
	c.after("restored", c.s.Start(c.now))
}

// restored compares the workers with what was written down of them.
func (c *checker) restored() {
	for w := c.s.table.oldest; w != nil; w = w.younger {
		want := c.kept.entries[w.id]
		switch {
		case c.s.cfg.PerConnection:
			want.State, want.Taken = BusyState, true
		case c.s.infer.on && want.State == BusyState:
			want.State = IdleState
		}
		if got := entry(w); got != want {
			c.t.Fatalf("restored %+v\nof       %+v\n%s", got, want, &c.log)
		}
	}
}

// sameAfterCrash compares what must survive. Since when the pool is full is not
// kept, nor how far a rolling restart got.
func sameAfterCrash(a, b Condition) bool {
	for _, c := range []*Condition{&a, &b} {
		c.Watch, c.Full, c.FullSince, c.RollingOut, c.Replaced, c.ToReplace = 0, false, 0, false, 0, 0
		if c.Inferred { // that all are busy is seen anew, and that none accepts
			c.Idle, c.Busy, c.Serving, c.Stuck = c.Idle+c.Busy, 0, c.Serving-c.Busy, false
		}
		if !c.Throttled {
			c.ThrottledUntil = 0
		}
	}
	return a == b
}

// TestRestore: the pool, its generation and its throttle go on; the counters
// count on.
func TestRestore(t *testing.T) {
	x := busyPool(t, doublingConfig(), 3)
	x.play(
		row{"idle 102", "watch off"},
		row{"refuse 1", ""},
		row{"busy 102", "watch on"},
		row{"conn", "refused, throttle 1s refused, watch off"},
		row{"+300ms", ""},
	)
	y := restart(x)
	y.counts("total=3 busy=3 idle=0")
	y.play(
		row{"start", ""}, // still throttled
		row{"+699ms", ""},
		row{"+1ms", "unthrottle, watch on"},
		row{"refuse 1", ""},
		row{"conn", "refused, throttle 2s refused, watch off"}, // it goes on doubling
		row{"+2s", "unthrottle, watch on"},
		row{"conn", "start 104, watch off"},
		row{"idle 101", ""},
		row{"killed 103 9", "killed 103 9, bad start 103, throttle 4s bad-end"}, // had not finished a job
	)
	c := y.s.Condition(y.now)
	if c.Counters.Spawned != 4 || c.Counters.Exited != 1 || c.Counters.SpawnFailures != 2 || c.Counters.Adopted != 3 {
		t.Errorf("%+v", c.Counters)
	}
	if g := y.s.Generation(104); g != 6 { // three starts, two refused, this one
		t.Errorf("generation %d, want 6: numbers are never used again", g)
	}
}

// restart makes a new service of what another one wrote down.
func restart(x *scenario) *scenario {
	var kept keeper
	for w := x.s.table.oldest; w != nil; w = w.younger {
		kept.started(entry(w))
	}
	s := New(x.cfg)
	s.Restore(x.now, x.s.Memory(), kept.list())
	return &scenario{t: x.t, s: s, cfg: x.cfg, now: x.now, started: x.started}
}

// TestRestoreTimes: patience that begins with the start goes on, all other anew.
func TestRestoreTimes(t *testing.T) {
	cfg := timersConfig()
	cfg.Watchdog = 0
	for _, test := range []struct {
		name  string
		first []row
		after time.Duration
		then  string
	}{
		{"starting", []row{{"+29s", ""}}, time.Second, "overdue 101 start-timeout, signal 101 6, bad start 101, throttle 1s start-timeout"},
		{"busy", []row{{"busy 101", "watch on"}, {"+90s", ""}}, 100 * time.Second, "overdue 101 busy-timeout, signal 101 6"},
		{"told to retire", []row{
			{"ready 101", ""}, {"+9s", ""}, {"reload", "restart reload, retire 101 reload, watch on, rolled out 1"}, {"+9s", ""},
		}, 10 * time.Second, "overdue 101 ignored, signal 101 9"},
		{"aborted", []row{
			{"busy 101", "watch on"}, {"+100s", "overdue 101 busy-timeout, signal 101 6"}, {"+4s", ""},
		}, 5 * time.Second, "overdue 101 , signal 101 9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			y := restart(play(t, cfg, once(test.first...)...))
			y.event("start")
			y.play(row{"+" + (test.after - 1).String(), ""}, row{"+1ns", test.then})
		})
	}
}

// TestRestoreAtTheLimit: adopted workers count before anybody is started.
func TestRestoreAtTheLimit(t *testing.T) {
	x := busyPool(t, Config{Limit: 3, Extensions: Extensions{Retire: true, WarnAlways: true}}, 3)
	y := restart(x)
	y.play(row{"start", ""}, row{"conn", ""}, row{"exit 102 0", "watch on"}, row{"conn", "start 104, watch off"})
	if c := y.s.Condition(y.now); c.Total != 3 {
		t.Errorf("%+v", c)
	}
	y.play(row{"busy 104", ""}) // the warning of before the crash was within 1000 s
}

// TestRestoreRolling: a rolling restart goes on where it was, and one that came to
// nothing is not tried again.
func TestRestoreRolling(t *testing.T) {
	x := busyPool(t, rollingConfig(8), 3)
	x.play(
		row{"reload", "restart reload, start 104 replacement, watch off, start 105 replacement"},
		row{"ready 104", "retire 101 reload, start 106 replacement"},
	)
	y := restart(x)
	y.play(
		row{"start", ""},
		row{"ready 105", "retire 102 reload"},
		row{"ready 106", "retire 103 reload, rolled out 2"},
	)
	x.play(row{"exit 105 1", "exited 105 1, rolling restart stopped bad-end"})
	if m := x.s.Memory(); m.RolledUpTo != 0 {
		t.Errorf("a failed rolling restart would be tried again: %+v", m)
	}
}

// TestRestoreOthers: workers of another command are rolled over at once, and
// those that cannot be asked stay.
func TestRestoreOthers(t *testing.T) {
	for _, noSignal := range []bool{false, true} {
		cfg := rollingConfig(8)
		cfg.NoRetireSignal = noSignal
		x := busyPool(t, cfg, 2)
		m := x.s.Memory()
		m.RolledUpTo = m.Generation
		s := New(cfg)
		s.Restore(x.now, m, []Entry{{ID: 101, Generation: 1, State: BusyState}, {ID: 102, Generation: 2, State: BusyState}})
		y := &scenario{t: t, s: s, cfg: cfg, now: x.now, started: 2}
		want := "watch on, start 103 replacement, watch off, start 104 replacement"
		if noSignal {
			want = "watch on"
		}
		y.play(row{"start", want})
	}
}

// TestRestoreNonsense: a state that this version does not know is busy, which
// delays nobody.
func TestRestoreNonsense(t *testing.T) {
	s := New(Config{Limit: 5})
	s.Restore(0, Forgotten(), []Entry{{ID: 101, Generation: 1, State: 77}})
	if c := s.Condition(0); c.Busy != 1 || c.Total != 1 || c.Stressed || c.Throttled {
		t.Errorf("%+v", c)
	}
	if acts := s.Start(0); len(acts) != 1 || acts[0].Watch != WatchOn {
		t.Errorf("%+v", acts)
	}
}

// TestNoPauseAfterAStop: who starts a service again wants it to be tried, however
// long the pause was.
func TestNoPauseAfterAStop(t *testing.T) {
	x := play(t, doublingConfig(),
		row{"start", "watch on"},
		row{"refuse 2", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
		row{"+1s", "unthrottle, watch on"},
		row{"conn", "refused, throttle 2s refused, watch off"},
		row{"stop", "closed, drained"},
	)
	restart(x).play(
		row{"start", "watch on"},
		row{"refuse 1", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
	)
}
