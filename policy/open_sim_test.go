package policy

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// openLoad is a service under clients that come whether or not others were served: a
// model of the kernel's queue, of workers, and of the processors on which they start.
// It goes from event to event. The caller of the policy, which is modelled too, comes
// late on a busy machine, and its inspections are as costly, and as rare, as they are.
type openLoad struct {
	t    testing.TB
	kind openKind
	s    *Service
	rng  *rand.Rand

	rate  func(time.Duration) float64 // connections a second
	top   float64                     // the most that rate returns
	work  time.Duration               // of one connection, on average, without a processor
	start time.Duration               // of a processor, for the start of a worker
	cpus  int
	hogs  int // other processes that want a processor

	now      Instant
	next     Instant   // arrival
	queue    []Instant // when they came
	idle     []*simWorker
	workers  map[int]*simWorker
	serving  simHeap // by end of the request
	starting simHeap // by the processor time at which the start is over
	spent    Instant // processor time that each of those that start has had
	started  int

	tick   Instant // when the policy is ticked
	look   Instant // when an inspection is answered; far = none is under way
	afford Instant // the list of connections may not be asked for before that
	takes  int     // connections that were accepted …
	seen   int     // … when that list was asked for last
	edge   bool    // a connection has come since the sockets were watched

	arrived, served, starts int
	dropped                 int
	slowest                 time.Duration // wait
	waits                   time.Duration // sum
	queued                  Instant       // retired as surplus while somebody waited; 0 = nobody
}

type openKind int

const (
	byReport   openKind = iota // notify
	byTCP                      // inference, with the list of a port's connections
	byUnix                     // … with the names of a worker's sockets
	byGuess                    // … where descriptors of workers cannot be looked at
	openKinds  = 4
	simBacklog = 4096
)

func (k openKind) String() string {
	return [...]string{"notify", "tcp", "unix", "blind"}[k]
}

type simWorker struct {
	id, generation int
	at             Instant // end of its start or of its request
	busy, up       bool
	retiring       bool
}

type simHeap []*simWorker

func (h simHeap) Len() int           { return len(h) }
func (h simHeap) Less(a, b int) bool { return h[a].at < h[b].at }
func (h simHeap) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *simHeap) Push(w any)        { *h = append(*h, w.(*simWorker)) }
func (h *simHeap) Pop() any {
	w := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return w
}

func (h simHeap) first() Instant {
	if len(h) == 0 {
		return far
	}
	return h[0].at
}

func newOpenLoad(t testing.TB, kind openKind, seed uint64, cfg Config) *openLoad {
	o := &openLoad{
		t: t, kind: kind, rng: rand.New(rand.NewPCG(seed, uint64(kind))), cpus: 2,
		workers: map[int]*simWorker{}, look: far, start: time.Millisecond, work: 100 * time.Millisecond,
	}
	if kind == byReport {
		cfg.QueueDelay, cfg.ProvenAfter = 0, 0
		cfg.StallGuard, cfg.StartTimeout = time.Second, 30*time.Second
	}
	o.s = New(cfg)
	o.do(o.s.Start(0))
	return o
}

// openConfig is what the daemon makes of its defaults on a machine of two processors.
func openConfig(limit int) Config {
	cfg := queueConfig(limit)
	cfg.MaxStarting, cfg.IdleTimeout = 2, 100*time.Second
	cfg.RetireTimeout = 0
	return cfg
}

// load sets the rate; the arrivals are those of a Poisson process.
func (o *openLoad) load(top float64, rate func(time.Duration) float64) {
	o.top, o.rate = top, rate
	o.arrival()
}

func (o *openLoad) steady(rate float64) {
	o.load(rate, func(time.Duration) float64 { return rate })
}

func (o *openLoad) arrival() {
	for o.next = o.now; ; {
		if o.top == 0 {
			o.next = far
			return
		}
		o.next += Instant(o.rng.ExpFloat64() / o.top * float64(time.Second))
		if o.rng.Float64()*o.top < o.rate(o.next) {
			return
		}
		if o.next > o.now+time.Hour {
			o.next = far
			return
		}
	}
}

// speed is the share of a processor that each start has.
func (o *openLoad) speed() float64 {
	return min(1, float64(o.cpus)/float64(len(o.starting)+o.hogs))
}

func (o *openLoad) run(d time.Duration) {
	for end := o.now + d; ; {
		up := far
		if len(o.starting) > 0 {
			up = o.now + max(0, Instant(float64(o.starting[0].at-o.spent)/o.speed()))
		}
		at := min(end, o.next, o.serving.first(), up, o.tick, o.look)
		o.pass(at)
		if at == end {
			return
		}
		o.happen(at, up)
		o.watch()
		o.plan()
	}
}

func (o *openLoad) pass(at Instant) {
	if len(o.starting) > 0 {
		o.spent += Instant(float64(at-o.now) * o.speed())
	}
	o.now = at
}

func (o *openLoad) happen(at, up Instant) {
	switch at {
	case o.next:
		o.arrived++
		if o.edge = true; len(o.queue) < simBacklog {
			o.queue = append(o.queue, o.now)
		} else {
			o.dropped++
		}
		o.arrival()
		o.serve()
	case o.serving.first():
		w := heap.Pop(&o.serving).(*simWorker)
		w.busy = false
		o.served++
		o.free(w)
	case up:
		w := heap.Pop(&o.starting).(*simWorker)
		w.up = true
		if o.kind == byReport {
			o.report(w, Report{Ready: true, Held: -1, Finished: -1})
		}
		o.free(w)
	case o.tick:
		o.do(o.s.Tick(o.now))
	case o.look:
		o.look = far
		o.do(o.s.Inspected(o.now, o.evidence()))
	}
}

// free: w may accept, or go.
func (o *openLoad) free(w *simWorker) {
	if o.kind == byReport {
		o.report(w, Report{HasAvailable: true, Available: Idle, Held: -1, Finished: -1})
	}
	if w.retiring {
		o.end(w)
		return
	}
	o.idle = append(o.idle, w)
	o.serve()
}

func (o *openLoad) serve() {
	for len(o.idle) > 0 && len(o.queue) > 0 {
		w := o.idle[0]
		o.idle = o.idle[1:]
		wait := o.now - o.queue[0]
		o.slowest, o.waits = max(o.slowest, wait), o.waits+wait
		o.queue = o.queue[1:]
		o.takes++
		w.busy, w.at = true, o.now+Instant(o.rng.ExpFloat64()*float64(o.work))
		heap.Push(&o.serving, w)
		if o.kind == byReport {
			o.report(w, Report{HasAvailable: true, Available: Busy, Held: -1, Finished: -1})
		}
	}
}

func (o *openLoad) report(w *simWorker, r Report) {
	r.Worker, r.Generation = w.id, uint64(w.generation)
	acts, _ := o.s.Status(o.now, r)
	o.do(acts)
}

// watch delivers what epoll would.
func (o *openLoad) watch() {
	for n := 0; ; n++ {
		if n > 1000 {
			o.t.Fatalf("at %v: it spins", o.now)
		}
		ready := len(o.queue) > 0
		switch o.s.listening.watching {
		case WatchOff:
			o.edge = false
			return
		case WatchNew:
			ready = o.edge
		case WatchOnce:
			ready = ready || o.edge
		}
		if !ready {
			return
		}
		o.edge = false
		o.do(o.s.Connection(o.now, len(o.queue)))
	}
}

// plan is when the policy is ticked: on a busy machine that is later than it asks for.
func (o *openLoad) plan() {
	due, any := o.s.Deadline()
	if !any {
		o.tick = far
		return
	}
	if due > o.now && o.hogs > 0 {
		due += Instant(o.rng.ExpFloat64() * float64(time.Millisecond))
	}
	o.tick = max(due, o.now)
}

func (o *openLoad) do(acts []Action) {
	queue := slices.Clone(acts)
	for i := 0; i < len(queue); i++ {
		switch a := queue[i]; a.Kind {
		case Start:
			o.started++
			o.starts++
			w := &simWorker{id: o.started, generation: int(a.Generation)}
			w.at = o.spent + Instant(float64(o.start)*(0.8+0.4*o.rng.Float64()))
			o.workers[w.id] = w
			heap.Push(&o.starting, w)
			queue = append(queue, o.s.Started(o.now, a.Generation, w.id)...)
		case Probe:
			queue = append(queue, o.s.Probed(o.now, len(o.queue))...)
		case Sample:
			queue = append(queue, o.s.Sampled(o.now, []int{len(o.queue)})...)
		case Inspect:
			o.look = o.now + time.Millisecond/2 + Instant(o.rng.Int64N(int64(time.Millisecond)))*Instant(1+4*o.hogs)
		case Retire:
			if a.Why == Surplus && len(o.queue) > 0 {
				o.queued = o.now
			}
			o.leave(o.workers[a.Worker])
		}
	}
}

func (o *openLoad) leave(w *simWorker) {
	w.retiring = true
	for i, other := range o.idle {
		if other == w {
			o.idle = slices.Delete(o.idle, i, i+1)
			o.end(w)
			return
		}
	}
}

// end is the end of a worker, which its caller notices a moment later than it happens.
func (o *openLoad) end(w *simWorker) {
	delete(o.workers, w.id)
	o.do(o.s.Exit(o.now, w.id, End{}))
}

// evidence is what an inspection finds. The list of the port's connections costs what
// was measured, and a hundredth of a processor is spent on it at most.
func (o *openLoad) evidence() Evidence {
	e := Evidence{Blind: o.kind == byGuess}
	held := false
	for _, id := range o.s.Newcomers(nil) {
		if w := o.workers[id]; w != nil && w.busy && o.kind != byGuess {
			h := Holder{Worker: id, Socket: -1}
			if o.kind == byUnix {
				h.Socket = 0
			}
			e.Holders = append(e.Holders, h)
			held = true
		}
	}
	if o.kind != byGuess {
		e.Held, e.Counted = len(o.serving), true
	}
	switch {
	case o.kind == byUnix && !held:
		e.Sockets = []Acceptance{NobodyAccepts}
	case o.kind != byUnix && o.s.InDoubt(0) && o.now >= o.afford:
		o.afford = o.now + 100*(600*time.Microsecond+time.Duration(len(o.queue)+len(o.serving))*800*time.Nanosecond)
		e.Sockets = []Acceptance{NobodyAccepts}
		if o.takes > o.seen {
			e.Sockets[0] = SomebodyAccepts
		}
		o.seen = o.takes
	}
	return e
}

// nobodyWaited fails if a worker was ever retired as surplus while a client waited.
func (o *openLoad) nobodyWaited() {
	o.t.Helper()
	if o.queued != 0 {
		o.t.Errorf("a worker is retired as surplus at %v while a client waits", o.queued)
	}
}

// oldest is how long the oldest one waits.
func (o *openLoad) oldest() time.Duration {
	if len(o.queue) == 0 {
		return 0
	}
	return o.now - o.queue[0]
}

func (o *openLoad) total() int { return len(o.workers) }

// erlang is the smallest number of workers with which the mean wait is at most that
// long, if a load of so many erlang takes work each (Erlang's C formula).
func erlang(load float64, work, wait time.Duration) int {
	blocked := 1.0 // Erlang's B of 0 workers
	for n := 1; ; n++ {
		blocked = load * blocked / (float64(n) + load*blocked)
		free := float64(n) - load
		if free <= 0 {
			continue
		}
		waits := blocked / (1 - load/float64(n)*(1-blocked))
		if waits*float64(work)/free <= float64(wait) {
			return n
		}
	}
}

// mostAtOnce is how many workers a load of so many erlang needs at once now and then: in
// so many looks at a pool without a limit there are more with a probability of one in a
// hundred thousand (its number of busy workers is that of a Poisson distribution).
func mostAtOnce(load, looks float64) int {
	n, term := 0, math.Exp(-load)
	for tail := 1 - term; tail*looks > 1e-5 && n < 10_000; tail -= term {
		n++
		term *= load / float64(n)
	}
	return n
}
