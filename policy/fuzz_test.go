package policy

import (
	"fmt"
	"testing"
	"time"
)

// FuzzService plays random lives of a service and looks at the invariants
// after every event; see checker.
func FuzzService(f *testing.F) {
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
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 400 {
			return
		}
		first, second := life(t, data), life(t, data)
		if first != second {
			t.Fatalf("same input, different output:\n%s\n%s", first, second)
		}
	})
}

// life plays one input to its end, and returns all that was said.
func life(t *testing.T, data []byte) string {
	in := &input{data}
	cfg := in.config()
	c := &checker{t: t, s: New(cfg), cfg: cfg, watch: WatchOff}
	c.after("start", c.s.Start(0))
	for len(in.data) > 0 && !c.over {
		c.event(in)
		c.keep()
	}
	return c.log.String()
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
			Retire: on(0) == 1, RetireSignal: 15, WarnAlways: on(1) == 1,
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
	if limit&64 != 0 && c.Retire {
		c.QueueDelay = 20 * time.Millisecond
	}
	if limit&32 != 0 && c.Retire {
		sessionRules(&c)
	}
	return c
}

// sessionRules are those of the daemon.
func sessionRules(c *Config) {
	c.PerConnection, c.ExecFailed, c.TermAtHalf, c.NoRetireSignal = true, 203, true, true
	c.NoStressRestart, c.AbortSignal = true, sigTERM
	c.QuickExit, c.StallGuard, c.StartTimeout, c.MaxStarting, c.MinSpare, c.QueueDelay = 0, 0, 0, 1, 0, 0
}

var spans = [...]time.Duration{
	0, 1, time.Millisecond, 500 * time.Millisecond, time.Second - 1, time.Second, time.Second + 1,
	2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	999 * time.Second, 1000 * time.Second, 1001 * time.Second, time.Hour,
}

// event delivers the next one. Births are answered at once, but for those that
// the input lets wait, as the daemon does when there are many in one turn.
func (c *checker) event(in *input) {
	kind, arg := in.byte(), in.byte()
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
		if c.asked == 0 && c.watch == WatchOn {
			c.after("accept failed", c.s.AcceptFailed(c.now))
		}
	}
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
