package policy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/availd/availd/internal/testutil"
)

// FuzzService plays random lives of a service and looks at the invariants
// after every event; see checker.
func FuzzService(base *testing.F) {
	f := testutil.Fuzz(base)
	for _, seed := range []string{
		"\x00\x00\x03" + "\x00\x00\x02\x00\x03\x00\x04\x00\x05\x01",
		"\x01\xff\x04" + "\x00\x09\x00\x09\x01\x05\x02\x00\x0a\x00\x03\x00\x0b\x00\x05\x02",
		"\x7f\xff\x08" + "\x00\x03\x02\x00\x02\x01\x0a\x00\x01\x09\x06\x01\x0c\x00\x05\x00\x01\x09",
		"\xff\x3f\x01" + "\x00\x01\x02\x00\x0a\x00\x01\x08\x0b\x00\x01\x08\x0d\x00\x01\x0f",
		"\x01\xff\x23" + "\x00\x01\x00\x01\x0f\x00\x08\xe0\x01\x05\x00\x01\x0a\x00\x01\x08\x0b\x00\x01\x0a\x08\x41\x08\x41",
		"\x7f\xff\x03" + "\x00\x00\x03\x00\x09\x00\x00\x00\x09\x00\x0a\x00\x7f\xff\x02\x09\x00\x07\x40\x09\x00\x01\x05",
		"\xff\x3f\x45" + "\x00\x03\x02\x00\x02\x00\x0d\x1f\x02\x00\x0d\x3f\x02\x00\x02\x00\x02\x00\x0d\x18\x01\x08\x08\x40\x0d\x1f\x0a\x00",
		"\x21\x10\x44" + "\x00\x03\x0d\x1d\x02\x00\x02\x00\x02\x00\x02\x00\x02\x00\x02\x00\x01\x09\x01\x0a\x03\x00\x00\x00\x09\x00",
		"90A1800202020209",
		"\xff\x7f\x8b\xff" + "\x00\x03\x05\x40\x17\x00\x00\x03\x05\x40\x18\x00\x1b\x00\x01\x0a\x19\xff\x0b\x00\x01\x0a",
		"1 \v\x00\x7f\v\r\x12", // a stop in the midst of a restart for stress
		"\x01\x18\xc4\x39" + "\x00\x03\x18\x00\x01\x0a\x1c\x00\x17\x00\x02\x00\x19\xff\x01\x0f\x0b\x00\x01\x0b",
		"\xff\xff\x81\xff\n\xff\xff\x05@\x17\x03\n\x19\xff",                      // a reload while one of the new ones is not ready
		"\xff\xd8\xc4\r\x1d\x8e0\xff\xd8\xc4\x87\xf9",                            // a crash while clients wait
		"!\x10D\x00\x03\r\x1d\x02\x00\x02\x00\x01\f\x02\x00\x02\x00\x02\x00\x02", // due since long ago, as is found out
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 400 {
			return
		}
		first, second := life(t, data), life(t, data)
		if !first.equal(second) {
			t.Fatalf("same input, different output:\n%s\n%s", &first, &second)
		}
	})
}

// life plays one input to its end, and returns all that was said.
func life(t *testing.T, data []byte) record {
	in := &input{data}
	cfg := in.config()
	c := &checker{t: t, s: New(cfg), cfg: cfg, watch: WatchOff}
	c.after("start", c.s.Start(0))
	for len(in.data) > 0 && !c.over {
		c.event(in)
		c.keep()
	}
	return c.log
}

// input is what the fuzzer gives; it never ends, but is zero from some point on.
type input struct{ data []byte }

func (in *input) byte() int {
	if len(in.data) == 0 {
		return 0
	}
	b := in.data[0]
	in.data = in.data[1:]
	return int(b)
}

// config makes one of three bytes: two of switches and the limit. No switch =
// the original.
func (in *input) config() Config {
	bits := in.byte() | in.byte()<<8
	on := func(i int) int { return bits >> i & 1 }
	span := func(i int, d time.Duration) time.Duration { return time.Duration(on(i)) * d }
	limit := in.byte()
	c := Config{
		Limit: limit & 7, StressEligible: limit&8 != 0, IgnoreUnknownExit: limit&16 != 0,
		ThrottleDelay: time.Second,
		Extensions: Extensions{
			Retire: on(0) == 1, RetireSignal: 15, ProveReload: on(0) == 1 && on(2) == 1, WarnAlways: on(1) == 1,
			StallGuard: span(2, time.Second), MinSpare: 2 * on(3), MaxStarting: 3 * on(4),
			IdleTimeout: span(5, 3*time.Second), MaxRequests: 2 * on(6), MaxLifetime: span(7, 20*time.Second),
			StartTimeout: span(8, 3*time.Second), BusyTimeout: span(9, 5*time.Second),
			Watchdog: span(10, 4*time.Second), RetireTimeout: span(11, 6*time.Second),
			IgnoreTimeout: span(12, 2*time.Second), StopTimeout: span(12, 9*time.Second),
			AbortGrace: span(11, 2*time.Second), QuickExit: span(13, time.Second), QuickExits: 2 * on(10),
			ThrottleMax: span(13, 8*time.Second), NoRetireSignal: on(14) == 1 && on(0) == 1, NoStressRestart: on(15) == 1,
			ExitIdleTime: span(4, 7*time.Second) * time.Duration(1-on(3)),
		},
	}
	if limit&128 != 0 {
		in.laterRules(&c)
	}
	if limit&64 != 0 && c.Retire {
		c.QueueDelay = 20 * time.Millisecond
	}
	if limit&32 != 0 && c.Retire {
		sessionRules(&c)
	}
	return c
}

// laterRules are made of one more byte, so that older seeds keep their meaning.
func (in *input) laterRules(c *Config) {
	bits := in.byte()
	on := func(i int) bool { return bits>>i&1 != 0 }
	c.CrashIsNoFailure, c.StressAfterReport = on(0), on(1)
	if on(2) {
		c.StressHold = 4 * time.Second
	}
	if on(3) {
		c.ExecTimeout = 2 * time.Second
	}
	if on(4) {
		c.ProvenAfter = time.Second
	}
	if on(5) {
		c.DumpTimeout = 3 * time.Second
	}
	if on(6) {
		c.AbortSignal = sigTERM
		c.SlowAfter = 1500 * time.Millisecond
	}
	c.TermAtHalf = c.TermAtHalf || on(7)
	c.AsleepApart = on(4) != on(7) && c.Retire
}

// sessionRules are those of the daemon.
func sessionRules(c *Config) {
	c.PerConnection, c.ExecFailed, c.TermAtHalf, c.NoRetireSignal = true, 203, true, true
	c.NoStressRestart, c.AbortSignal = true, sigTERM
	c.QuickExit, c.StallGuard, c.StartTimeout, c.MaxStarting, c.MinSpare, c.QueueDelay = 0, 0, 0, 1, 0, 0
	c.AsleepApart = false
}

// manyWorkers ends a life without a limit that reloads again and again while nobody exits:
// each reload may add as many workers as there are.
const manyWorkers = 40

var spans = [...]time.Duration{
	0, 1, time.Millisecond, 500 * time.Millisecond, time.Second - 1, time.Second, time.Second + 1,
	2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	999 * time.Second, 1000 * time.Second, 1001 * time.Second, time.Hour,
}

// event delivers the next one. Starts are answered at once, but for those that
// the input lets wait, as the daemon does when there are many in one turn.
func (c *checker) event(in *input) {
	kind, arg := in.byte(), in.byte()
	if kind&0x30 != 0 && kind&0x0f > 6 && c.rarer(kind>>4&3, kind&0x0f, arg) {
		return
	}
	c.refuse, c.later = kind&0x40 != 0, kind&0x80 != 0 && c.cfg.Extensions.Retire
	switch kind & 0x0f {
	case 0:
		if c.asked == 0 || c.watch != WatchOn {
			c.after("connection", c.s.Connection(c.now, arg&7))
		}
	case 1:
		c.now += spans[arg&15]
		c.tick()
	case 2:
		if due, any := c.s.Deadline(); any {
			c.now = max(c.now, due)
		}
		c.tick()
	case 3, 4, 5, 6:
		if c.cfg.PerConnection { // they have nowhere to report to
			return
		}
		r := c.report(kind&0x0f, arg)
		r.Board, r.Begun = kind&0x10 != 0, kind&0x20 != 0
		acts, v := c.s.Status(c.now, r)
		c.after(fmt.Sprint("status ", v), acts)
	case 7, 8:
		end := [...]End{{}, {}, {Code: 1}, {Signal: 15}, {Signal: 11}, {Unknown: true}, {Stopped: true, Signal: 19}, {Code: 203}}[arg>>5]
		c.exit(c.worker(arg), end)
	case 9:
		c.crash()
	case 10:
		c.cfg = in.config()
		c.cfg.Extensions.Retire = c.s.cfg.Retire // the daemon does not change its nature
		if c.s.cfg.PerConnection {
			sessionRules(&c.cfg)
		}
		c.cfg.PerConnection = c.s.cfg.PerConnection
		c.lowered = true
		c.ends++
		c.over = len(c.living) > manyWorkers
		c.after("reload", c.s.Reload(c.now, c.cfg))
	case 11:
		if arg < 32 {
			c.stop()
		}
	case 12:
		if c.stopped {
			c.after("kill all", c.s.KillAll(c.now))
			return
		}
		c.after("dip", c.s.Dip(c.now, arg&7))
	case 13:
		if arg&8 != 0 && c.asked == 0 {
			c.after("sampled", c.s.Sampled(c.now, []int{arg & 7, arg>>4 - 1}))
			return
		}
		c.after("probed", c.s.Probed(c.now, arg&7))
	case 14:
		c.answer()
	case 15:
		switch {
		case arg&1 != 0:
			c.notExecuted(c.worker(arg>>3), arg&2 != 0)
		case arg&2 != 0:
			c.after("executed", c.s.Executed(c.now, c.worker(arg>>3)))
		case arg&4 != 0:
			if c.s.short.owed > 0 {
				c.after("gave up", c.s.GaveUp(c.now))
			}
		case c.asked == 0 && c.watch == WatchOn:
			c.after("accept failed", c.s.AcceptFailed(c.now))
		}
	}
}

// rarer delivers the events that a life of a service has seldom; false: it is none.
func (c *checker) rarer(group, kind, arg int) bool {
	if !c.cfg.Retire { // the original knows none of them
		return false
	}
	switch id := c.worker(arg); {
	case group == 1 && kind == 7:
		c.background(id)
	case group == 1 && kind == 8:
		c.after("accepted", c.s.Accepted(c.now, id))
	case group == 1 && kind == 9:
		c.dumping(arg)
	case group == 1 && kind == 10:
		c.after("partial", c.s.PartialStatus(c.now, id))
	case group == 1 && kind == 11:
		c.after("read error", c.s.StatusReadError(c.now))
	case group == 1 && kind == 12:
		c.after("inspected", c.s.Inspected(c.now, c.evidence()))
	case group == 1 && kind == 13:
		c.adjust(arg)
	case group == 1 && kind == 14:
		if c.asked == 0 {
			c.after("asleep", c.s.Asleep(c.now, id, arg&128 == 0))
		}
	default:
		return false
	}
	return true
}

// adjust changes what availd set can.
func (c *checker) adjust(arg int) {
	c.cfg.Limit, c.cfg.IdleTimeout, c.lowered = arg&7, time.Duration(arg>>5&3)*time.Second, true
	if !c.cfg.PerConnection {
		c.cfg.MinSpare, c.cfg.MaxStarting = arg>>3&1, arg>>4&3
	}
	c.after("adjust", c.s.Adjust(c.now, c.cfg))
}

// background has a worker leave another process in its place.
func (c *checker) background(id int) {
	i := slices.Index(c.living, id)
	if i < 0 {
		return
	}
	heir := id + 5000
	if slices.Contains(c.living, heir) || id > 5000 { // of an heir nothing is inherited
		return
	}
	c.living[i] = heir
	e := c.kept.entries[id]
	delete(c.kept.entries, id)
	e.ID = heir
	c.kept.started(e)
	if c.told[id] != nil {
		c.told[heir] = c.told[id]
	}
	c.after("background", c.s.Background(c.now, id, heir))
	c.must(c.s.Retiring(heir), "background", "retiring")
}

// dumping says of some of those that are to be killed that they write a core dump.
func (c *checker) dumping(arg int) {
	if due, any := c.s.Deadline(); any {
		c.now = max(c.now, due)
	}
	c.s.Aborted(c.now, func(id int) {
		c.must(slices.Contains(c.living, id), "aborted", "alive")
		if arg>>(id&7)&1 != 0 {
			c.s.Dumping(c.now, id)
		}
	})
	c.tick()
}

func (c *checker) worker(arg int) int {
	if len(c.living) == 0 || arg&0x1f == 0x1f {
		return 9001
	}
	return c.living[arg&0x1f%len(c.living)]
}

func (c *checker) report(kind, arg int) Report {
	id := c.worker(arg)
	r := Report{Worker: id, Generation: c.s.Generation(id), Held: -1, Finished: -1}
	switch extra := arg >> 5; kind {
	case 3:
		r.HasAvailable, r.Available = true, Busy
	case 4:
		r.HasAvailable, r.Available = true, Idle
	case 5:
		r.Held = extra & 1
		r.Ready = extra&2 != 0
		r.Stopping = extra == 7
	default:
		r.Finished = extra - 1
		r.Alive = extra&1 != 0
		r.Trigger = extra == 6
		if extra == 7 {
			r.Generation++
		}
	}
	return r
}
