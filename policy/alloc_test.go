package policy

import (
	"testing"
	"time"
)

// everything is all extensions that can be on together.
func everything(limit int) Config {
	return Config{
		Limit: limit, StressEligible: true, ThrottleDelay: time.Second,
		Extensions: Extensions{
			WarnAlways: true, Retire: true, RetireSignal: 15, ThrottleMax: time.Minute,
			QuickExit: time.Nanosecond, StallGuard: time.Second, MaxStarting: 4,
			IdleTimeout: 100 * time.Second, MaxRequests: 1 << 30, MaxLifetime: 1e6 * time.Hour,
			StartTimeout: 30 * time.Second, BusyTimeout: 60 * time.Second, Watchdog: 50 * time.Second,
			RetireTimeout: 30 * time.Second, IgnoreTimeout: 30 * time.Second, AbortGrace: 5 * time.Second,
		},
	}
}

// crowd is a service with n busy workers, and the ways to move it.
type crowd struct {
	s    *Service
	now  Instant
	last int
}

func newCrowd(n int) *crowd {
	c := &crowd{s: New(everything(n + 10)), now: 1}
	c.s.Start(c.now)
	for range n {
		c.start()
		c.report(c.last, Busy)
	}
	return c
}

// start answers a connection with a new worker.
func (c *crowd) start() {
	acts := c.s.Connection(c.now, 1)
	if len(acts) != 1 || acts[0].Kind != Start {
		panic("no start")
	}
	c.last++
	c.s.Started(c.now, acts[0].Generation, c.last)
}

func (c *crowd) report(id, available int) {
	_, v := c.s.Status(c.now, Report{
		Worker: id, Generation: c.s.Generation(id), HasAvailable: true, Available: available,
		Held: -1, Finished: -1, Alive: true,
	})
	if v != Believed {
		panic("not believed")
	}
}

// TestInferenceDoesNotAllocate: samples come often.
func TestInferenceDoesNotAllocate(t *testing.T) {
	cfg := queueConfig(50)
	cfg.IdleTimeout = time.Second
	x := play(t, cfg, cold()...)
	waits, empty := []int{3}, []int{0}
	round := func() {
		x.s.Connection(x.now, 3)
		for range samples + 2 {
			x.s.Sampled(x.now, waits)
			x.now += cfg.QueueDelay / samples
		}
		if p := x.s.pending; p.n() > 0 {
			x.s.Started(x.now, p.generation, 1000)
			x.s.Exit(x.now, 1000, End{})
		}
		x.s.Sampled(x.now, empty)
		x.now += time.Second
		x.s.Tick(x.now)
		x.s.Sampled(x.now, empty)
	}
	for range 200 {
		round() // warm
	}
	started := x.s.counters.Spawned
	if n := testing.AllocsPerRun(1000, round); n != 0 || x.s.counters.Spawned < started+500 {
		t.Errorf("%v allocations, %d starts", n, x.s.counters.Spawned-started)
	}
}

func TestNoAllocations(t *testing.T) {
	c := newCrowd(100)
	tests := map[string]func(){
		"busy and idle": func() {
			c.report(50, Idle)
			c.report(50, Busy)
		},
		"start and exit": func() {
			c.start()
			c.now += 2 // later than a quick exit
			c.s.Exit(c.now, c.last, End{})
		},
		"start, work and retirement": func() {
			c.start()
			c.report(c.last, Busy)
			c.report(c.last, Idle)
			_, _ = c.s.Status(c.now, Report{
				Worker: c.last, Generation: c.s.Generation(c.last), Held: 0, Finished: -1, Stopping: true,
			})
			c.s.Exit(c.now, c.last, End{Code: 1})
		},
		"time": func() {
			c.now += time.Millisecond
			c.s.Tick(c.now)
			if _, any := c.s.Deadline(); !any {
				panic("no deadline")
			}
		},
		"condition": func() {
			_ = c.s.Condition(c.now)
		},
		"reports": func() {
			c.report(50, Idle)
			c.report(50, Busy)
			c.s.Changes(func(Entry) {})
			_ = c.s.Memory()
		},
	}
	for name, f := range tests {
		for range 200 {
			f() // warm
		}
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if c.s.table.busy != 100 {
		t.Fatalf("%+v", c.s.Condition(c.now))
	}
}

// Nobody need ask for the changes: what is kept of them is bounded.
func TestChangesDoNotPileUp(t *testing.T) {
	c := newCrowd(10)
	for range 1000 {
		c.now += 2
		c.start()
		c.now += 2
		c.s.Exit(c.now, c.last, End{})
	}
	if n := len(c.s.table.dirty); n > 20 {
		t.Fatalf("%d changes of 11 workers", n)
	}
}

// A worker that is overdue costs no memory either: it is aborted, killed and
// replaced.
func TestNoAllocationsByTimers(t *testing.T) {
	c := newCrowd(100)
	c.s.cfg.ThrottleMax = 0 // pauses of a second, over when the next one is started
	f := func() {
		c.start()
		c.now += 2 * time.Second
		c.s.Tick(c.now)
		_, _ = c.s.Status(c.now, Report{Worker: c.last, Generation: c.s.Generation(c.last), Held: -1, Finished: 1, Trigger: true})
		c.now += 5 * time.Second
		for id := 1; id <= 100; id++ {
			_, _ = c.s.Status(c.now, Report{Worker: id, Generation: uint64(id), HasAvailable: true, Available: Idle, Held: -1, Finished: -1, Alive: true})
			_, _ = c.s.Status(c.now, Report{Worker: id, Generation: uint64(id), HasAvailable: true, Available: Busy, Held: -1, Finished: -1})
		}
		c.s.Tick(c.now)
		c.s.Exit(c.now, c.last, End{Signal: 9})
	}
	for range 100 {
		f()
	}
	if n := testing.AllocsPerRun(500, f); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if k := c.s.Condition(c.now); k.Counters.Killed < 600 || k.Counters.Throttles < 600 || k.Busy != 100 {
		t.Fatalf("it did something else: %+v", k)
	}
}
