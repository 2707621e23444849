package policy

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// row is one event of a scenario, and all the actions that come of it.
//
//	+5s               time passes; Tick at each deadline, as the loop does it (late 5s: at the end)
//	conn [N]          a watched socket is readable, N connections wait (1)
//	busy W, idle W    X_AVAILD reports; further words: done=N jobs=N ready
//	ready W, alive W, trigger W, stopping W, jobs W N, done W N
//	exit W CODE, killed W SIGNAL, stopped W SIGNAL, lost W
//	heir W W          the worker has left a process in its place
//	start, reload, adjust, stop, killall
//	see W what…       a look at a new worker: at-socket, elsewhere, holds, finished; "waiting" if clients wait
//	noaccept          a connection cannot be accepted
//	sees WORD…        what an inspection finds at each socket: nobody (which is so unless it
//	                  is said), somebody, unknown; blind; and the workers that hold a
//	                  connection: W of one, W:S of socket S
//	refuse N          the next N starts fail, as their command is at fault
//	short N           … are refused for want of something
//	hang              no command is executed from now on
//	executed W        this one is
//	asleep W, awake W it was seen to wait, or to compute again
//	noexec W [short]  this one cannot be
//	gaveup            a connection that waits for its worker is closed
//	queue N…          so many connections are found by a Probe, or at each socket by a Sample
type row struct{ event, want string }

// scenario drives a Service. Starts are answered at once, with pids from 101.
type scenario struct {
	t       *testing.T
	s       *Service
	cfg     Config // what the next "reload" or "adjust" brings
	now     Instant
	started int
	refuse  int
	short   int
	hangs   bool
	queue   []int
	sees    []string
	inspect func() Evidence // instead of sees, unless nil
	looks   int             // inspections
	looked  Instant         // when the latest was made
	ticks   int             // wake-ups by a deadline
	wakes   int             // … and by the sockets
	said    []string
}

// play starts a service and plays the rows.
func play(t *testing.T, cfg Config, rows ...row) *scenario {
	t.Helper()
	x := &scenario{t: t, s: New(cfg), cfg: cfg, queue: []int{0}}
	x.play(rows...)
	return x
}

func (x *scenario) play(rows ...row) {
	x.t.Helper()
	for i, r := range rows {
		if got := x.event(r.event); got != r.want {
			x.t.Fatalf("row %d at %v: %s\n got: %s\nwant: %s", i+1, x.now, r.event, got, r.want)
		}
	}
}

// event delivers one event and returns the actions in words.
func (x *scenario) event(line string) string {
	x.said = x.said[:0]
	words := strings.Fields(line)
	d, passes := strings.CutPrefix(words[0], "+")
	switch {
	case passes:
		x.pass(d, false)
	case words[0] == "late":
		x.pass(words[1], true)
	case words[0] == "start": // nothing comes before it
		x.do(x.s.Start(x.now))
	default:
		x.do(x.s.Tick(x.now))
		x.deliver(words)
	}
	return strings.Join(x.said, ", ")
}

// pass lets time go by, and wakes the policy when it asked for it, unless late.
func (x *scenario) pass(span string, late bool) {
	d, err := time.ParseDuration(span)
	if err != nil {
		x.t.Fatal(err)
	}
	end := x.now + d
	for n := 0; !late; n++ {
		due, ok := x.s.Deadline()
		if !ok || due > end {
			break
		}
		if n > 10000 {
			x.t.Fatalf("the deadline %v is not met by Tick", due)
		}
		x.now = max(x.now, due)
		x.ticks++
		x.do(x.s.Tick(x.now))
	}
	x.now = end
	x.do(x.s.Tick(end))
}

func (x *scenario) deliver(words []string) {
	switch words[0] {
	case "conn":
		x.do(x.s.Connection(x.now, x.number(append(words, "1"), 1)))
	case "reload":
		x.do(x.s.Reload(x.now, x.cfg))
	case "adjust":
		x.do(x.s.Adjust(x.now, x.cfg))
	case "stop":
		x.do(x.s.Stop(x.now))
	case "killall":
		x.do(x.s.KillAll(x.now))
	case "see":
		x.see(words[1:])
	case "short":
		x.short = x.number(words, 1)
	case "hang":
		x.hangs = true
	case "executed":
		x.do(x.s.Executed(x.now, x.number(words, 1)))
	case "noexec":
		short := len(words) > 2
		x.do(x.s.NotExecuted(x.now, x.number(words, 1), short, short && x.cfg.PerConnection))
	case "asleep", "awake":
		x.do(x.s.Asleep(x.now, x.number(words, 1), words[0] == "asleep"))
	case "gaveup":
		x.do(x.s.GaveUp(x.now))
	case "noaccept":
		x.do(x.s.AcceptFailed(x.now))
	case "sample-late": // the tick before has asked for it
	case "sample":
		x.do(x.s.Sampled(x.now, x.queue))
	case "refuse":
		x.refuse = x.number(words, 1)
	case "queue":
		x.queue = nil
		for i := range words[1:] {
			x.queue = append(x.queue, x.number(words, i+1))
		}
	case "heir":
		x.do(x.s.Background(x.now, x.number(words, 1), x.number(words, 2)))
	case "sees":
		x.sees = words[1:]
	case "exit", "killed", "stopped", "lost":
		x.do(x.s.Exit(x.now, x.number(words, 1), x.end(words)))
	default:
		x.report(words)
	}
}

func (x *scenario) see(words []string) {
	id, waiting := x.number(words, 0), 0
	o := Observation{Worker: id, Generation: x.s.Generation(id)}
	for _, w := range words[1:] {
		switch w {
		case "at-socket":
			o.Waits = WaitsAtSocket
		case "elsewhere":
			o.Waits = WaitsElsewhere
		case "nowhere":
			o.Waits = WaitsNowhere
		case "holds":
			o.Holds = true
		case "finished":
			o.Finished = true
		case "waiting":
			waiting = 1
		}
	}
	x.do(x.s.Observed(x.now, waiting, []Observation{o}))
}

func (x *scenario) number(words []string, i int) int {
	x.t.Helper()
	n, err := strconv.Atoi(words[i])
	if err != nil {
		x.t.Fatalf("%v: %v", words, err)
	}
	return n
}

func (x *scenario) end(words []string) End {
	switch words[0] {
	case "exit":
		return End{Code: x.number(words, 2)}
	case "killed":
		return End{Signal: x.number(words, 2)}
	case "stopped":
		return End{Signal: x.number(words, 2), Stopped: true}
	default:
		return End{Unknown: true}
	}
}

func (x *scenario) report(words []string) {
	id := x.number(words, 1)
	r := Report{Worker: id, Generation: x.s.Generation(id), Held: -1, Finished: -1}
	switch words[0] {
	case "busy":
		r.HasAvailable, r.Available = true, Busy
	case "idle":
		r.HasAvailable, r.Available = true, Idle
	case "nonsense":
		r.HasAvailable, r.Available = true, 7
	case "ready":
		r.Ready = true
	case "alive":
		r.Alive = true
	case "trigger":
		r.Trigger = true
	case "stopping":
		r.Stopping = true
	case "stale":
		r.Generation += 1000
	case "jobs":
		r.Held = x.number(words, 2)
	case "done":
		r.Finished = x.number(words, 2)
	default:
		x.t.Fatalf("no such event: %v", words)
	}
	x.extras(&r, words[2:])
	acts, verdict := x.s.Status(x.now, r)
	if verdict != Believed {
		x.said = append(x.said, verdictNames[verdict])
	}
	x.do(acts)
}

func (x *scenario) extras(r *Report, words []string) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "done":
			r.Finished = x.number([]string{value}, 0)
		case "jobs":
			r.Held = x.number([]string{value}, 0)
		case "ready":
			r.Ready = true
		case "stopping":
			r.Stopping = true
		}
	}
}

// do carries the actions out, those of results after those that are there.
func (x *scenario) do(acts []Action) {
	queue := slices.Clone(acts)
	for i := 0; i < len(queue); i++ {
		switch a := queue[i]; a.Kind {
		case Start:
			queue = append(queue, x.start(a)...)
		case Probe:
			x.said = append(x.said, "probe")
			queue = append(queue, x.s.Probed(x.now, x.queue[0])...)
		case LookAtWork: // by "works", when a test wants it
			x.said = append(x.said, "look at work")
		case Observe: // by "see", when a test wants it
		case Sample:
			queue = append(queue, x.s.Sampled(x.now, x.queue)...)
		case Inspect:
			if x.inspect == nil {
				x.inspect = x.evidence
			}
			queue = append(queue, x.s.Inspected(x.now, x.inspect())...)
		default:
			x.said = append(x.said, x.words(a))
		}
	}
}

// evidence is what an inspection finds.
func (x *scenario) evidence() Evidence {
	x.looks++
	e := Evidence{Seen: x.s.Newcomers(nil), After: x.looked} // as the loop asks whom to look at
	x.looked = x.now
	for _, word := range x.sees {
		switch word {
		case "unseen":
			e.Sockets = append(e.Sockets, NobodySeen)
		case "nobody":
			e.Sockets = append(e.Sockets, NobodyAccepts)
		case "somebody":
			e.Sockets = append(e.Sockets, SomebodyAccepts)
		case "unknown":
			e.Sockets = append(e.Sockets, NotKnown)
		case "blind":
			e.Blind, e.Seen = true, nil
		default:
			id, socket, found := strings.Cut(word, ":")
			h := Holder{Worker: x.number([]string{id}, 0), Socket: -1, Connection: 1}
			if found {
				h.Socket = x.number([]string{socket}, 0)
			}
			e.Holders = append(e.Holders, h)
		}
	}
	for n := len(e.Sockets); n < len(x.queue); n++ { // those who wait have done so before, but for the first time
		found := NobodySeen
		if x.looks > 1 && x.queue[n] != 0 {
			found = NobodyAccepts
		}
		e.Sockets = append(e.Sockets, found)
	}
	return e
}

func (x *scenario) start(a Action) []Action {
	if x.refuse > 0 {
		x.refuse--
		x.said = append(x.said, "refused"+reason(" ", a.Why))
		return x.s.StartFailed(x.now, a.Generation)
	}
	if x.short > 0 {
		x.short--
		x.said = append(x.said, "short"+reason(" ", a.Why))
		return x.s.StartRefused(x.now, a.Generation, x.cfg.PerConnection)
	}
	x.started++
	text := "start " + strconv.Itoa(100+x.started)
	if a.Stress {
		text += " stressed"
	}
	x.said = append(x.said, text+reason(" ", a.Why))
	acts := slices.Clone(x.s.Started(x.now, a.Generation, 100+x.started))
	if !x.hangs {
		acts = append(acts, x.s.Executed(x.now, 100+x.started)...)
	}
	return acts
}

// counts is the table in one line: total = starting + idle + busy + retiring.
func (x *scenario) counts(want string) {
	x.t.Helper()
	c := x.s.Condition(x.now)
	got := ""
	for i, n := range []int{c.Total, c.Starting, c.Idle, c.Busy, c.Retiring} {
		got += strings.Fields("total starting idle busy retiring")[i] + "=" + strconv.Itoa(n) + " "
	}
	for _, w := range strings.Fields(want) {
		if !strings.Contains(" "+got, " "+w+" ") {
			x.t.Fatalf("at %v: %s is not in: %s", x.now, w, got)
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// pid is the i-th worker's.
func pid(i int) string { return itoa(101 + i) }
