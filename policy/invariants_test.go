package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// checker plays the caller of a Service and holds the invariants against it.
type checker struct {
	t   *testing.T
	s   *Service
	cfg Config
	now Instant
	log record

	living  []int
	told    map[int]map[string]bool // what was said of a worker once, by id
	started int
	kept    keeper
	asked   uint64 // a start that waits for its answer
	stress  bool   // … is told of stress
	refuse  bool
	later   bool
	watch   Watch
	most    int  // workers that there may be although the limit was lowered
	lowered bool // by the running event
	stopped bool
	drained bool
	over    bool
	ends    int // reloads whose rolling restart has not ended
}

// record is all that has happened, written out when something was wrong.
type record []occurrence

type occurrence struct {
	at    Instant
	event string
	acts  []Action
}

func (r *record) String() string {
	var b strings.Builder
	for _, c := range *r {
		fmt.Fprintf(&b, "%v %s: %+v\n", c.at, c.event, c.acts)
	}
	return b.String()
}

func (r record) equal(other record) bool {
	return slices.EqualFunc(r, other, func(a, b occurrence) bool {
		return a.at == b.at && a.event == b.event && slices.Equal(a.acts, b.acts)
	})
}

// after looks at what an event has brought about, and carries it out.
func (c *checker) after(event string, acts []Action) {
	acts = slices.Clone(acts)
	c.log = append(c.log, occurrence{c.now, event, acts})
	c.state(event)
	for _, a := range acts {
		c.action(event, a)
	}
	if c.asked == 0 {
		c.settled(event)
	}
	c.perform(acts)
}

func (c *checker) perform(acts []Action) {
	for _, a := range acts {
		switch a.Kind {
		case Start:
			c.asked, c.stress = a.Generation, a.Stress
			if !c.later {
				c.answer()
			}
		case Probe:
			c.after("probed", c.s.Probed(c.now, int(c.now)&1))
		case Observe:
			c.after("observed", c.s.Observed(c.now, int(c.now>>21)&1, []Observation{{
				Worker: a.Worker, Generation: a.Generation, Waits: Waits(c.now >> 22 % 4), Holds: c.now>>24&1 != 0, Finished: c.now>>25&3 == 0,
			}}))
		case Sample:
			c.after("sampled", c.s.Sampled(c.now, []int{int(c.now>>20) & 3, int(c.now>>22)&1 - 1}))
		case Inspect:
			c.after("inspected", c.s.Inspected(c.now, c.evidence()))
		}
	}
}

// evidence is anything that an inspection may find.
func (c *checker) evidence() Evidence {
	e := Evidence{Blind: c.now>>21&7 == 0}
	for n := range int(c.now >> 20 & 3) {
		e.Sockets = append(e.Sockets, Acceptance(int(c.now>>22)+n)%4)
	}
	for i, id := range c.s.Newcomers(nil) {
		if int(c.now>>23)+i&3 == 0 {
			e.Holders = append(e.Holders, Holder{Worker: id, Socket: int(c.now>>24)&3 - 1})
		}
	}
	return e
}

func (c *checker) answer() {
	generation := c.asked
	if c.asked = 0; generation == 0 {
		return
	}
	if c.refuse && generation&1 == 0 {
		c.after("failed", c.s.StartFailed(c.now, generation))
		return
	}
	if c.refuse {
		c.after("refused", c.s.StartRefused(c.now, generation, c.cfg.PerConnection))
		return
	}
	c.started++
	c.living = append(c.living, 100+c.started)
	c.kept.started(Entry{ID: 100 + c.started, Generation: generation, Started: c.now, Stress: c.stress})
	c.after("started", c.s.Started(c.now, generation, 100+c.started))
}

func (c *checker) exit(id int, e End) {
	if i := slices.Index(c.living, id); i >= 0 && !e.Stopped {
		c.living = slices.Delete(c.living, i, i+1)
		delete(c.kept.entries, id)
	}
	c.after("exit", c.s.Exit(c.now, id, e))
}

// notExecuted ends a worker that never was what it was to be.
func (c *checker) notExecuted(id int, refused bool) {
	i := slices.Index(c.living, id)
	if i < 0 {
		return
	}
	c.living = slices.Delete(c.living, i, i+1)
	delete(c.kept.entries, id)
	c.after("not executed", c.s.NotExecuted(c.now, id, refused, refused && c.cfg.PerConnection && !c.s.drain.impatient))
}

// stop of the original is one step, in which everybody ends.
func (c *checker) stop() {
	c.stopped = true
	c.after("stop", c.s.Stop(c.now))
	if !c.cfg.Retire {
		for len(c.living) > 0 {
			c.exit(c.living[0], End{Signal: 15})
		}
		c.over = true
	}
}

// tick lets all be done that is due, and no more than that.
func (c *checker) tick() {
	for range 5 {
		c.after("tick", c.s.Tick(c.now))
		// What was found out meanwhile can make something due at once, of long ago.
		if due, any := c.s.Deadline(); !any || due > c.now {
			return
		}
	}
	c.t.Fatalf("Tick does not get done\n%s", &c.log)
}

func (c *checker) must(ok bool, event, law string) {
	if !ok {
		c.t.Helper() // it is dear, and this is called for each law of each event
		c.t.Fatalf("after %s: not %s\n%s%+v", event, law, &c.log, c.s.Condition(c.now))
	}
}

// state counts the workers anew.
func (c *checker) state(event string) {
	s := c.s
	fresh := table{border: s.table.border}
	scheduled := 0
	for w := s.table.oldest; w != nil; w = w.younger {
		same := *w // count marks what it counts as changed
		fresh.count(&same, 1)
		if w.place >= 0 {
			scheduled++
			c.must(s.table.order[w.place] == w && w.due != far, event, "in the heap")
		}
		due, _ := s.deadlines.attention(w)
		c.must(due == w.due, event, "planned")
	}
	is := [...]int{s.table.starting, s.table.asleep, s.table.idle, s.table.busy, s.table.retiring, s.table.ending, len(s.table.order), s.table.total()}
	c.must(is == [...]int{fresh.starting, fresh.asleep, fresh.idle, fresh.busy, fresh.retiring, fresh.ending, scheduled, len(c.living)},
		event, "counted right")
	c.must(s.table.old == fresh.old && s.table.fresh == fresh.fresh, event, "counted right for the rolling restart")
	c.must(!s.rolling.on || s.table.border == s.rolling.last, event, "divided where the rolling restart is")
	k := s.Condition(c.now)
	c.must(k.Total == k.Starting+k.Idle+k.Busy+k.Retiring, event, "disjoint")
	c.must(s.listening.available() >= 0 && s.listening.available() <= s.total(), event, "0 <= available <= total")
	c.must(k.Counters.Spawned-k.Counters.Exited == uint64(len(c.living)), event, "counters that add up")
	c.limit(event)
}

func (c *checker) limit(event string) {
	if c.lowered {
		c.most, c.lowered = c.s.total(), false // a reload kills nobody
	}
	c.must(c.cfg.Limit == 0 || c.s.total() <= max(c.cfg.Limit, c.most), event, "total <= limit")
	c.most = min(c.most, c.s.total())
	if c.cfg.Limit > 0 && c.cfg.Retire && !c.cfg.NoRetireSignal && !c.cfg.PerConnection && !c.s.rolling.on && !c.s.draining {
		kept := 0 // the last one that is known to serve
		if c.s.rolling.proof.distrusted {
			kept = 1
		}
		c.must(c.s.total()-c.s.table.retiring <= c.cfg.Limit+kept, event, "whoever is above the limit retires")
	}
}

// settled is R1: when the sockets are listened to.
func (c *checker) settled(event string) {
	s := c.s
	if s.pending.n() > 0 || s.original.stopping {
		return
	}
	want := !s.throttle.on && !s.draining && s.listening.available() == 0 && s.rolling.mayGrow() && s.short.owed == 0
	if s.infer.on { // what nobody can take is waited for, and the rest is sampled
		want = !s.throttle.on && !s.draining && s.table.available() == 0 && s.rolling.mayGrow()
		c.must(s.listening.watching != WatchOff || s.infer.due != far || s.infer.woken || s.throttle.on || s.draining ||
			s.table.available() == 0, event, "blind")
	}
	c.must((s.listening.watching == WatchOn) == want, event, "listening when it has to")
	c.must(s.listening.watching == c.watch, event, "the watch that was asked for")
	c.must(s.listening.watching == WatchOff || !s.throttle.on && !s.draining, event, "watching in a pause")
	c.must(s.listening.watching != WatchNew || c.cfg.MaxStarting > 1 || c.cfg.AsleepApart, event, "without several starts")
	c.must(s.listening.watching != WatchOnce || c.cfg.StallGuard > 0 || s.infer.on, event, "without stall guard")
	c.must(s.infer.on || s.infer.due == far && !s.infer.busy && !s.infer.woken, event, "without inference")
}

func (c *checker) action(event string, a Action) {
	switch a.Kind {
	case Start:
		c.start(event, a)
	case Listen:
		c.must(a.Watch != c.watch || c.s.original.stopping, event, "a change")
		c.watch = a.Watch
	case Retire:
		c.once(event, a.Worker, "retire")
		c.must(!c.cfg.NoRetireSignal, event, "able to retire")
	case Signal:
		what := fmt.Sprint("signal ", a.Number)
		if a.Number == sigTERM { // at half of a stop, and as the first rung of the ladder
			what += fmt.Sprint(" ", a.Why == Stop)
		}
		c.once(event, a.Worker, what)
		c.must(a.Number != sigABRT || !c.told[a.Worker]["signal 9"], event, "up the ladder")
	case Inspect:
		c.must(c.s.infer.on && c.s.infer.inspecting, event, "an inspection")
	case WarnStuck:
		c.must(c.s.infer.on && c.s.infer.queues[a.Number].depth > 0, event, "stuck")
	case WarnSuspect:
		c.once(event, a.Worker, "suspect")
	case ExitIdle:
		c.must(c.s.total()+c.s.short.owed == 0 && !c.s.throttle.on && !c.s.draining && c.cfg.ExitIdleTime > 0, event, "at rest")
	case Drained:
		c.must(c.stopped && !c.drained && (c.s.total() == 0 || c.s.drain.leftBehind) && c.s.short.owed == 0, event, "drained")
		c.drained = true
	case RollingWaits:
	case RollingDone, RollingStopped:
		c.must(c.ends > 0 && !c.s.rolling.on, event, "an end of a rolling restart")
		c.ends = 0
	}
}

func (c *checker) start(event string, a Action) {
	s := c.s
	c.must(!s.throttle.on && (!s.draining && !c.stopped || c.cfg.PerConnection && !s.drain.impatient), event, "a time for starts")
	c.must(s.pending.generation == a.Generation, event, "one start at a time")
	switch {
	case a.Why == Spare:
		c.must(c.cfg.MinSpare > 0 && !s.rolling.on && s.listening.available() <= c.cfg.MinSpare, event, "a spare")
	case a.Why == Stall:
		c.must(c.cfg.StallGuard > 0, event, "a stall")
	case a.Why == Replacement:
		c.must(s.rolling.on, event, "a replacement")
		c.must(s.rolling.proof.have || s.rolling.newOnes() == 1, event, "one test at a time")
	case s.infer.on && c.cfg.MaxStarting <= 1:
		c.must(a.Why == Demand && (s.infer.busy || s.table.idle == 0 || event == "exit" && c.cfg.CrashIsNoFailure), event, "a start while nobody is known to be idle")
	case c.cfg.MaxStarting > 1 || c.cfg.AsleepApart:
		c.must(s.places() <= max(1, c.cfg.MaxStarting), event, "max-starting")
	default:
		c.must(a.Why == Demand && s.listening.available() == 1, event, "a start while nobody is available")
	}
}

// once is for what may be said of a living worker, and only once.
func (c *checker) once(event string, id int, what string) {
	c.must(slices.Contains(c.living, id), event, "alive: "+what)
	if c.told == nil {
		c.told = map[int]map[string]bool{}
	}
	if c.told[id] == nil {
		c.told[id] = map[string]bool{}
	}
	c.must(!c.told[id][what], event, "once: "+what)
	c.told[id][what] = true
}
