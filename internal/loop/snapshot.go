package loop

import (
	"os"
	"time"

	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// facts are what the policy does not keep, and the administrator asks for.
type facts struct {
	started  time.Time
	throttle string // cause of the latest pause
	refusal  string // why the latest birth was refused
	reload   string // why the latest reload failed, "" = it did not
	failure  *status.Failure
}

// noteEnd remembers a bad end.
func (l *Loop) noteEnd(e policy.End) {
	if e.Good() {
		return
	}
	f := &status.Failure{At: l.seams.Wall()}
	if e.Signal != 0 {
		f.Signal = &e.Signal
	} else {
		f.Exit = &e.Code
	}
	l.facts.failure = f
}

// snapshot is the whole state. Its cost grows with the pool, so it is built
// only when somebody asks.
func (l *Loop) snapshot() status.Service {
	c := l.policy.Condition(l.now)
	s := status.Service{
		Name: l.cfg.Name, Version: l.cfg.Version, MainPID: os.Getpid(), StartedAt: l.facts.started,
		Protocol: l.cfg.Protocol, Limit: c.Limit,
		Total: c.Total, Starting: c.Starting, Idle: c.Idle, Busy: c.Busy, Retiring: c.Retiring,
		Listening: c.Watch == policy.WatchOn, Draining: c.Draining, LastFailure: l.facts.failure,
		Sockets: l.socketStates(), Counters: l.counters(c.Counters), Workers: l.workerStates(c.Total),
	}
	if c.Inferred { // nobody reports, so nobody counts
		s.Counters.Requests = nil
		for i := range s.Workers {
			s.Workers[i].Requests = nil
		}
	}
	s.Measures = l.measures()
	s.Demand, s.Warnings = l.demandState(c), []string{}
	if l.cfg.Unit != "" {
		s.Unit = &l.cfg.Unit
	}
	if l.full.on {
		s.FullSince = l.wallPointer(l.full.since)
	}
	if c.Throttled {
		reason := l.facts.throttle // a copy: others read it while the loop goes on
		s.ThrottledUntil, s.ThrottleReason = l.wallPointer(c.ThrottledUntil), &reason
	}
	if c.Stressed {
		s.StressUntil = l.wallPointer(c.StressUntil)
	}
	return s
}

func (l *Loop) wallPointer(at policy.Instant) *time.Time {
	t := l.wall(at)
	return &t
}

func (l *Loop) counters(c policy.Counters) status.Counters {
	return status.Counters{
		Spawned: c.Spawned, SpawnFailures: c.SpawnFailures, Exited: c.Exited, BadStarts: c.BadStarts,
		Killed: c.Killed, Requests: &c.Requests, LimitReached: c.LimitReached, Throttles: c.Throttles,
		StressEpisodes: c.StressEpisodes, RejectedReports: l.tally.Rejected.Reports, RejectedConnections: l.tally.Rejected.Connections,
		UnknownExits: c.UnknownExits, Adopted: c.Adopted,
	}
}

func (l *Loop) socketStates() []status.Socket {
	states := make([]status.Socket, 0, len(l.sockets.list))
	for _, sock := range l.sockets.list {
		d := l.seams.Depth(sock.FD)
		states = append(states, status.Socket{
			Name: sock.Name, Address: sock.Address, Queue: known(d.Waiting), Backlog: known(d.Limit),
		})
	}
	return states
}

func known(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

func (l *Loop) workerStates(total int) []status.Worker {
	states := make([]status.Worker, 0, total)
	l.policy.Each(l.now, func(w policy.Worker) {
		n := uint64(w.Requests)
		states = append(states, status.Worker{
			PID: w.ID, Generation: w.Generation, State: w.State, Requests: &n,
			AgeSeconds: w.Age.Seconds(), Stress: w.Stress, Adopted: w.Adopted, Status: l.procs[w.ID].text,
		})
	})
	return states
}
