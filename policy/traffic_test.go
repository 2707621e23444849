package policy

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// traffic is a service of workers that accept and do not report, under clients
// that come at random. It moves in steps of a millisecond.
type traffic struct {
	x       *scenario
	rng     *rand.Rand
	startup time.Duration
	work    time.Duration // of one connection, on average
	rate    float64       // connections a second
	noise   float64       // pauses of 30 ms a second, in which nobody gets the machine
	unfair  bool          // … but availd

	queue   []Instant // when they came
	idle    []int
	busy    jobs
	coming  jobs
	known   map[int]bool
	paused  Instant
	slowest time.Duration
	served  int
	shown   int // of them, when it was looked
	starts  int
	gone    int
}

type job struct {
	pid int
	at  Instant
}

type jobs []job

func (j jobs) Len() int           { return len(j) }
func (j jobs) Less(a, b int) bool { return j[a].at < j[b].at }
func (j jobs) Swap(a, b int)      { j[a], j[b] = j[b], j[a] }
func (j *jobs) Push(v any)        { *j = append(*j, v.(job)) }
func (j *jobs) Pop() any          { last := (*j)[len(*j)-1]; *j = (*j)[:len(*j)-1]; return last }

func newTraffic(t *testing.T, cfg Config) *traffic {
	f := &traffic{x: play(t, cfg), rng: rand.New(rand.NewPCG(1, 2)), known: map[int]bool{}}
	f.x.inspect = f.evidence
	f.x.event("start")
	return f
}

// evidence is what the descriptors of the workers tell.
func (f *traffic) evidence() Evidence {
	e := Evidence{Sockets: []Acceptance{NobodyAccepts}}
	if f.served > f.shown {
		f.shown, e.Sockets[0] = f.served, SomebodyAccepts
	}
	for _, b := range f.busy {
		e.Holders = append(e.Holders, Holder{Worker: b.pid, Socket: -1})
	}
	return e
}

// run lets time pass.
func (f *traffic) run(d time.Duration) {
	for end := f.x.now + d; f.x.now < end; {
		f.step()
	}
}

func (f *traffic) step() {
	f.x.now += time.Millisecond
	now := f.x.now
	came := 0
	for p := f.rate / 1000; f.rng.Float64() < p; p -= 1 {
		f.queue = append(f.queue, now)
		came++
	}
	if f.noise > 0 && f.rng.Float64() < f.noise/1000 {
		f.paused = now + 30*time.Millisecond
	}
	if now >= f.paused {
		f.serve()
	}
	f.x.queue[0] = len(f.queue)
	if now < f.paused && !f.unfair {
		return
	}
	f.tell(func() {
		f.x.do(f.x.s.Tick(now))
		if f.x.s.listening.watching == WatchOn && len(f.queue) > 0 || f.x.s.listening.watching == WatchOnce && (len(f.queue) > 0 || came > 0) {
			f.x.do(f.x.s.Connection(now, len(f.queue)))
		}
	})
}

// serve lets workers finish and accept, the longest idle first, as the kernel
// does.
func (f *traffic) serve() {
	now := f.x.now
	for len(f.coming) > 0 && f.coming[0].at <= now {
		f.idle = append(f.idle, heap.Pop(&f.coming).(job).pid)
	}
	for len(f.busy) > 0 && f.busy[0].at <= now {
		f.idle = append(f.idle, heap.Pop(&f.busy).(job).pid)
	}
	for len(f.idle) > 0 && len(f.queue) > 0 {
		f.slowest = max(f.slowest, now-f.queue[0])
		f.queue = f.queue[1:]
		took := time.Duration(f.rng.ExpFloat64() * float64(f.work))
		heap.Push(&f.busy, job{f.idle[0], now + took})
		f.idle = f.idle[1:]
		f.served++
	}
}

// tell delivers events, and makes starts and retirements true.
func (f *traffic) tell(deliver func()) {
	f.x.said = f.x.said[:0]
	deliver()
	var left []int
	f.x.s.Each(f.x.now, func(w Worker) {
		switch {
		case !f.known[w.ID]:
			f.known[w.ID] = true
			f.starts++
			heap.Push(&f.coming, job{w.ID, f.x.now + f.startup})
		case w.State == "retiring":
			left = append(left, w.ID)
		}
	})
	for _, pid := range left {
		if f.quiesce(pid) {
			f.gone++
			f.x.do(f.x.s.Exit(f.x.now, pid, End{Signal: 9}))
		}
	}
}

// quiesce ends a worker that holds nothing.
func (f *traffic) quiesce(pid int) bool {
	for i, p := range f.idle {
		if p == pid {
			f.idle = append(f.idle[:i], f.idle[i+1:]...)
			return true
		}
	}
	return false
}

func (f *traffic) total() int { return f.x.s.Condition(f.x.now).Total }

// TestInferSteadyLoad: a service stays at the few workers that its load needs,
// and shrinks to them although every worker has its turn.
func TestInferSteadyLoad(t *testing.T) {
	for _, test := range []struct {
		name          string
		rate          float64
		work, startup time.Duration
		noise         float64
		unfair        bool
		most          int
	}{
		{"fast", 200, 2 * time.Millisecond, 30 * time.Millisecond, 0, false, 4},
		{"fast, on a noisy machine", 200, 2 * time.Millisecond, 30 * time.Millisecond, 0.05, false, 6},
		{"fast, on a very noisy machine", 200, 2 * time.Millisecond, 30 * time.Millisecond, 5, false, 6},
		{"fast, starved", 200, 2 * time.Millisecond, 30 * time.Millisecond, 0.05, true, 24},
		{"fast, slow to start", 200, 2 * time.Millisecond, time.Second, 0, false, 4},
		{"busy", 100, 40 * time.Millisecond, 30 * time.Millisecond, 0, false, 14},
		{"slow", 10, 500 * time.Millisecond, 100 * time.Millisecond, 0, false, 18},
		{"rare", 0.1, 50 * time.Millisecond, 100 * time.Millisecond, 0, false, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := queueConfig(200)
			cfg.IdleTimeout = 100 * time.Second
			f := newTraffic(t, cfg)
			f.rate, f.work, f.startup, f.noise, f.unfair = test.rate, test.work, test.startup, test.noise, test.unfair
			f.run(15 * time.Minute)
			settled, starts, served := f.total(), f.starts, f.served
			f.slowest = 0
			f.run(15 * time.Minute)
			need := test.rate * test.work.Seconds()
			t.Logf("%.1f workers are busy on average: %d after a quarter of an hour, %d after half an hour; %d starts in the second quarter for %d connections, the longest wait %v",
				need, settled, f.total(), f.starts-starts, f.served-served, f.slowest)
			if f.total() > test.most || settled > test.most || f.total() < int(math.Ceil(need)) {
				t.Errorf("not steady: at most %d", test.most)
			}
			if churn := f.starts - starts; churn > 30 {
				t.Errorf("%d starts at a steady load", churn)
			}
		})
	}
}

// TestInferShrinks: after a burst the pool goes back to what it needs, and to
// nothing when nobody comes.
func TestInferShrinks(t *testing.T) {
	cfg := queueConfig(100)
	cfg.IdleTimeout = 10 * time.Second
	f := newTraffic(t, cfg)
	f.rate, f.work, f.startup = 150, 200*time.Millisecond, 30*time.Millisecond
	f.run(20 * time.Second)
	burst := f.total()
	f.rate = 5
	f.run(3 * time.Minute)
	after := f.total()
	f.rate = 0
	f.run(25 * time.Second)
	t.Logf("%d workers in the burst, %d after it, %d without clients", burst, after, f.total())
	if burst < 30 || after > 8 || after < 1 || f.total() != 0 {
		t.Error("it does not shrink")
	}
}
