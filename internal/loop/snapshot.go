package loop

import (
	"os"
	"time"

	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// This file composes the status document. The inbox asks for it when somebody wants the
// status, after the board was read once more.

// facts are what the policy does not keep, and the administrator asks for.
type facts struct {
	started  time.Time
	throttle error // cause of the latest pause
	refusal  error // why the latest start was refused
	reload   error // why the latest reload failed, nil = it did not
	failure  *status.Failure
}

// shown composes what is shown of the service.
type shown struct {
	*core
	load *load
	ages *inspection

	templates *templates
	work      *workLooks
	clocks    shownClocks
}

// noteEnd remembers a bad end.
func (c *core) noteEnd(e policy.End) {
	if e.Good() {
		return
	}
	f := &status.Failure{At: c.seams.Wall()}
	if e.Signal != 0 {
		f.Signal = &e.Signal
	} else {
		f.Exit = &e.Code
	}
	c.facts.failure = f
}

// snapshot is the whole state. Its cost grows with the pool, so it is built
// only when somebody asks.
func (o *shown) snapshot() status.Service {
	c := o.condition()
	o.load.noteUnserved(c, true)
	busy, idle := workerCounts(c)
	s := status.Service{
		Name: o.cfg.Name, Version: o.cfg.Version, MainPID: os.Getpid(), StartedAt: o.facts.started,
		Protocol: o.cfg.Protocol, Limit: c.Limit,
		Total: c.Total, Starting: c.Starting, Idle: idle, Busy: busy, Retiring: c.Retiring,
		Listening: c.Watch == policy.WatchOn, Draining: c.Draining, LastFailure: o.facts.failure,
		Sockets: o.socketStates(), Counters: o.counters(c.Counters), Workers: o.workerStates(c.Total),
	}
	s.Pending = o.work.ask()
	if c.Inferred { // nobody reports, so nobody counts
		s.Counters.Requests = nil
		for i := range s.Workers {
			s.Workers[i].Requests = nil
		}
	}
	o.ages.settle()
	s.Measures = o.measures()
	s.RequestTimes = status.TimesOf(s.Measures.Requests)
	s.Template = o.templates.state()
	s.Demand, s.Warnings = o.load.demandState(c), []string{}
	s.Set = append([]status.Set{}, o.cfg.Set...) // [] in JSON where there is none
	if o.cfg.Unit != "" {
		s.Unit = &o.cfg.Unit
	}
	// A saturated pool has an idle worker for a moment after each request, and is full
	// all the same; but where nobody waits, it is not.
	if waiting := s.Waiting(); o.load.full.on && (c.Full || waiting == nil || *waiting > 0) {
		s.FullSince = o.clocks.full.pointer(o.core, o.load.full.since)
	}
	if o.load.unserved.shown {
		s.UnservedSince = o.clocks.unserved.pointer(o.core, o.load.unserved.since)
	}
	if c.Throttled {
		reason := o.facts.throttle.Error()
		s.ThrottledUntil, s.ThrottleReason = o.clocks.throttled.pointer(o.core, c.ThrottledUntil), &reason
	}
	if c.Stressed {
		s.StressUntil = o.clocks.stress.pointer(o.core, c.StressUntil)
	}
	return s
}

// workerCounts are the idle and the busy ones. Of programs that do not report it is known
// only that all are busy, while clients wait; else some of them may be.
func workerCounts(c policy.Condition) (busy, idle status.Count) {
	if c.Inferred && c.Idle > 0 {
		return status.UnknownCount, status.UnknownCount
	}
	return status.Count(c.Busy), status.Count(c.Idle)
}

// shownClocks are the times of day of conditions. Each is found out once, so that it is
// the same in every answer.
type shownClocks struct{ full, unserved, throttled, stress shownClock }

type shownClock struct {
	at   policy.Instant
	wall time.Time
}

// pointer is the time of day of a moment.
func (c *shownClock) pointer(core *core, at policy.Instant) *time.Time {
	if c.wall.IsZero() || c.at != at {
		c.at, c.wall = at, core.wall(at)
	}
	wall := c.wall
	return &wall
}

func (o *shown) counters(c policy.Counters) status.Counters {
	return status.Counters{
		Spawned: c.Spawned, SpawnFailures: c.SpawnFailures, Exited: c.Exited, BadStarts: c.BadStarts,
		Killed: c.Killed, Requests: &c.Requests, LimitReached: c.LimitReached, Throttles: c.Throttles,
		StressEpisodes: c.StressEpisodes, RejectedReports: o.tally.Rejected.Reports, RejectedConnections: o.tally.Rejected.Connections,
		Abandoned: o.tally.Abandoned, TemplateFailures: o.tally.TemplateFailures,
		UnknownExits: c.UnknownExits, Adopted: c.Adopted, Slow: c.Slow, TooLarge: c.TooLarge,
	}
}

func (o *shown) socketStates() []status.Socket {
	states := make([]status.Socket, 0, len(o.sockets.list))
	for i, sock := range o.sockets.list {
		d := o.seams.Depth(sock.FD)
		if o.sockets.isDown(i) {
			d = sockdiag.Depth{Limit: d.Limit}
		}
		states = append(states, status.Socket{
			Name: sock.Name, Address: sock.Address, Queue: known(d.Waiting), Backlog: known(d.Limit),
			Fault: o.sockets.fault(i), Drops: o.drops(sock.FD),
		})
		if age, bound := o.ages.oldestWait(i, d.Waiting); age != nil {
			seconds := age.Seconds()
			states[i].OldestWait, states[i].OldestBound = &seconds, bound
		}
	}
	return states
}

// drops is what the kernel has dropped at a socket; nil where it does not count that.
func (o *shown) drops(fd int) *uint64 {
	if o.seams.Drops == nil {
		return nil
	}
	n, ok := o.seams.Drops(fd)
	if !ok {
		return nil
	}
	return &n
}

func known(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

func (o *shown) workerStates(total int) []status.Worker {
	states := make([]status.Worker, 0, total)
	o.policy.Each(o.now, func(w policy.Worker) {
		n := uint64(w.Requests)
		states = append(states, status.Worker{
			PID: max(0, w.ID), Generation: w.Generation, State: w.State, Requests: &n,
			AgeSeconds: w.Age.Seconds(), Stress: w.Stress, Adopted: w.Adopted, Status: o.procs[w.ID].text, BusySeconds: busySeconds(w.Busy), Memory: o.procs[w.ID].memory(),
			Doing: o.doing(o.procs[w.ID]),
		})
	})
	return states
}

// busySeconds is for how long a worker is at its request; null = it is at none, or that is
// not known.
func busySeconds(d time.Duration) *float64 {
	if d < 0 {
		return nil
	}
	seconds := d.Seconds()
	return &seconds
}
