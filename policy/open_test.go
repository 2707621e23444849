package policy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// openCase is one service and its load, made of a seed.
type openCase struct {
	kind   openKind
	limit  int
	load   float64 // erlang, at the top
	work   time.Duration
	start  time.Duration
	hogs   int
	window time.Duration // idle-timeout
	most   int           // max-starting
}

func newOpenCase(seed uint64) openCase {
	r := rand.New(rand.NewPCG(seed, 7))
	c := openCase{
		kind: openKind(r.IntN(openKinds)), limit: []int{10, 40, 100}[r.IntN(3)],
		work:  []time.Duration{10, 30, 100, 300, 5000}[r.IntN(5)] * time.Millisecond,
		start: []time.Duration{1, 150}[r.IntN(2)] * time.Millisecond, hogs: []int{0, 0, 1, 3}[r.IntN(4)],
		window: []time.Duration{20, 100}[r.IntN(2)] * time.Second, most: []int{1, 2, 2, 2}[r.IntN(4)],
	}
	c.load = float64(c.limit) * (0.1 + 0.9*r.Float64())
	c.work = max(c.work, time.Duration(c.load*float64(2*time.Millisecond))) // at most 500 a second
	return c
}

func (c openCase) String() string {
	return fmt.Sprintf("%v, limit %d, %.1f erlang of %v, starts of %v beside %d, idle-timeout %v, max-starting %d",
		c.kind, c.limit, c.load, c.work, c.start, c.hogs, c.window, c.most)
}

func (c openCase) rate() float64 { return c.load / c.work.Seconds() }

// need is how many workers the load needs, as far as the limit allows.
func (c openCase) need() int {
	if c.load >= float64(c.limit) {
		return c.limit
	}
	return min(c.limit, erlang(c.load, c.work, 20*time.Millisecond))
}

// possible is how many workers can be started in that time: there are so many
// processors, others want them too, and only so many workers may be starting.
func (c openCase) possible(d time.Duration) int {
	n := float64(c.most)
	if c.kind != byReport && c.most == 1 {
		n = 8 // one in each delay
	}
	share := 0.8
	if c.kind == byGuess {
		share = 0.6 // that a worker has come is only known from the time it takes
	}
	return int(share * d.Seconds() * n * min(1, 2/(n+float64(c.hogs))) / c.start.Seconds())
}

func (c openCase) begin(t testing.TB, seed uint64) *openLoad {
	cfg := openConfig(c.limit)
	cfg.MaxStarting, cfg.IdleTimeout = c.most, c.window
	o := newOpenLoad(t, c.kind, seed, cfg)
	o.work, o.start, o.hogs = c.work, c.start, c.hogs
	return o
}

// openSeeds are how many loads a test tries: OPEN_SEEDS says how many more.
func openSeeds(t *testing.T, few int) int {
	if text := os.Getenv("OPEN_SEEDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return few / 10
	}
	return few
}

func eachOpenCase(t *testing.T, few int, try func(c openCase, seed uint64) string) {
	t.Helper()
	bad := 0
	seeds := openSeeds(t, few)
	for seed := range uint64(seeds) {
		c := newOpenCase(seed)
		if wrong := try(c, seed); wrong != "" {
			if bad++; bad*100 > seeds { // of many loads, one in a hundred is out by chance
				t.Errorf("seed %d: %v: %s", seed, c, wrong)
			}
		}
	}
	t.Logf("%d loads, %d went wrong", seeds, bad)
}

// TestOpenStep: five times the load, all at once: the workers that it needs are there
// within 3 s, or as many as can be started in that time, however many clients wait.
func TestOpenStep(t *testing.T) {
	eachOpenCase(t, 200, func(c openCase, seed uint64) string {
		o := c.begin(t, seed)
		o.steady(c.rate() / 5)
		o.run(20 * time.Second)
		before := o.total()
		o.steady(c.rate())
		o.run(3 * time.Second)
		if want := min(c.need(), before+c.possible(3*time.Second)); o.total() < want && o.oldest() > 200*time.Millisecond {
			return fmt.Sprintf("%d workers before, %d after 3 s, want %d of the %d that are needed; %d wait", before, o.total(), want, c.need(), len(o.queue))
		}
		o.nobodyWaited()
		return ""
	})
}

// TestOpenSteady: a load that does not change has few starts, and no more workers than
// half again as many as it needs, or than a Poisson process needs now and then.
func TestOpenSteady(t *testing.T) {
	eachOpenCase(t, 40, func(c openCase, seed uint64) string {
		c.load, c.window, c.work = min(c.load, 0.85*float64(c.limit)), 100*time.Second, min(c.work, 300*time.Millisecond)
		// Where neither connections nor descriptors can be seen, how many workers are enough
		// is found out by trying.
		churn, wait := 1000, 20*time.Millisecond
		if c.kind == byGuess {
			churn, wait = 200, 60*time.Millisecond
		}
		o := c.begin(t, seed)
		o.steady(c.rate())
		o.run(3*c.window + 10*time.Second) // it has started from nothing, which is an overload
		starts, served, waits := o.starts, o.served, o.waits
		total := o.total()
		o.run(2 * c.window)
		o.nobodyWaited()
		starts, served = o.starts-starts, o.served-served
		switch allowed := max(int(math.Ceil(1.5*float64(c.need()))), mostAtOnce(c.load, c.window.Seconds()/c.work.Seconds())+1); {
		case total > allowed || o.total() > allowed:
			return fmt.Sprintf("%d and %d workers where %d are needed (%d allowed)", total, o.total(), c.need(), allowed)
		case (starts-4)*churn > served: // a handful comes and goes by chance, however few clients there are
			return fmt.Sprintf("%d starts in %d requests", starts, served)
		case (o.waits-waits)/time.Duration(max(1, served)) > wait && c.need() < c.limit:
			return fmt.Sprintf("a mean wait of %v", (o.waits-waits)/time.Duration(max(1, served)))
		}
		return ""
	})
}

// TestOpenOverload: a ramp to 1.2 times what the limit can do and down to a tenth: the
// limit is reached, the queue is gone afterwards, and so are the workers.
func TestOpenOverload(t *testing.T) {
	eachOpenCase(t, 60, func(c openCase, seed uint64) string {
		c.load, c.work = 1.2*float64(c.limit), min(c.work, 300*time.Millisecond)
		o := c.begin(t, seed)
		top := c.rate()
		o.load(top, func(at time.Duration) float64 {
			switch s := at.Seconds(); {
			case s < 20:
				return top * s / 20
			case s < 30:
				return top
			case s < 50:
				return top * (1 - 0.9*(s-30)/20)
			}
			return top / 10
		})
		o.run(30 * time.Second)
		if want := min(c.limit, c.possible(18*time.Second)); o.total() < want {
			return fmt.Sprintf("%d workers in the overload, want %d", o.total(), want)
		}
		o.run(30 * time.Second)
		if len(o.queue) > c.limit {
			return fmt.Sprintf("%d clients wait after the overload, %d workers", len(o.queue), o.total())
		}
		o.run(3*c.window + 20*time.Second)
		c.load /= 10
		if allowed := max(int(math.Ceil(1.5*float64(c.need()))), mostAtOnce(c.load, c.window.Seconds()/c.work.Seconds())+1); o.total() > allowed {
			return fmt.Sprintf("%d workers after it, where %d are needed (%d allowed)", o.total(), c.need(), allowed)
		}
		o.nobodyWaited()
		return ""
	})
}

// TestOpenReached is the load of which a pool of an earlier version kept 5 workers: 600
// connections a second that take 100 ms each.
func TestOpenReached(t *testing.T) {
	for kind := range openKind(openKinds) {
		for _, starting := range []int{1, 2} {
			cfg := openConfig(100)
			cfg.MaxStarting, cfg.IdleTimeout = starting, 4*time.Second
			o := newOpenLoad(t, kind, 1, cfg)
			o.steady(600)
			o.run(6 * time.Second)
			after6 := o.total()
			o.run(4 * time.Second)
			o.slowest = 0
			o.run(20 * time.Second)
			if after6 < 55 || o.slowest > 600*time.Millisecond || o.queued != 0 {
				t.Errorf("%v, max-starting %d: %d workers after 6 s, then a wait of %v; not needed while somebody waited: %v",
					kind, starting, after6, o.slowest, o.queued)
			}
		}
	}
}

// TestOpenIgnored: of a socket that nobody accepts on no more workers come than may in
// vain, and none is retired while clients wait; once somebody accepts, it grows.
func TestOpenIgnored(t *testing.T) {
	cfg := queueConfig(100)
	cfg.IdleTimeout = 4 * time.Second
	x := play(t, cfg, cold(row{"queue 300", ""}, row{"conn", "watch off"})...)
	x.event("+3s")
	if total := x.s.Condition(x.now).Total; total != 5 {
		t.Fatalf("%d workers for a socket that nobody accepts on", total)
	}
	x.play(row{"+2s", "stuck 0"}, row{"+20s", ""})
	if c := x.s.Condition(x.now); c.Busy != 5 {
		t.Errorf("%d of %d are idle while 300 clients wait: %+v", c.Idle, c.Total, c)
	}
	looks := x.looks
	x.event("+10s")
	if looks = x.looks - looks; looks < 20 {
		t.Errorf("it was looked %d times in 10 s whether somebody accepts", looks)
	}
	x.event("sees somebody")
	x.event("+1s")
	if total := x.s.Condition(x.now).Total; total < 20 {
		t.Errorf("somebody accepts, and there are %d workers a second later", total)
	}
}

// TestOpenUnknown: what cannot be known is not "nobody accepts".
func TestOpenUnknown(t *testing.T) {
	cfg := queueConfig(50)
	cfg.MaxStarting = 2
	for _, sees := range []string{"sees unknown", "sees unknown blind"} {
		x := play(t, cfg, cold(row{sees, ""}, row{"queue 300", ""}, row{"conn", "watch off"})...)
		x.event("+2m")
		x.counts("total=50")
	}
}
