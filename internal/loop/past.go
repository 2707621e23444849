package loop

import (
	"context"
	"slices"
	"time"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// This file tells the history what the pool is like. The end of a turn calls note, by way
// of load.go, and so does a question about the past. It never wakes the loop: between two
// turns the pool is as the first of them has left it.

// Past is what the pool was like until Now, which is At for people: a copy of the memory
// of a history.
type Past struct {
	Memory []byte
	Now    policy.Instant
	At     time.Time
}

// AskPast returns it. It may be called from any goroutine.
func (l *Loop) AskPast(ctx context.Context) (Past, error) {
	reply := make(chan Past, 1)
	return await(ctx, l, request{past: reply}, reply)
}

// past notes what the pool is like.
type past struct {
	*core
	load *load
	ages *inspection
}

// note ends a turn. busiest is the most workers that were busy at once in it.
func (p *past) note(c policy.Condition, busiest int) {
	h := p.cfg.History
	if h == nil {
		return
	}
	busy, idle := workerCounts(c)
	s := history.Sample{
		Busy: int(busy), Idle: int(idle), Starting: c.Starting, Retiring: c.Retiring, Limit: c.Limit,
		Requests: c.Counters.Requests, Counted: !c.Inferred,
	}
	if busy == status.UnknownCount {
		s.Unknown = c.Idle + c.Busy
	}
	if c.Limit == 0 {
		s.Limit = history.None
	}
	s.Queue = p.queue(c)
	s.Wait = p.ages.longest(s.Queue)
	if busiest > c.Serving && busy != status.UnknownCount {
		h.Peak(history.Busy, busiest)
	}
	h.Note(p.now, s)
}

// queue is how many wait, as far as that is known without much ado: nobody, while a worker
// is idle and takes them; else as many as were found by a look in turns that come anyway.
func (p *past) queue(c policy.Condition) int {
	switch s := &p.sockets; {
	case !c.Full && (c.Idle > 0 && !p.load.unserved.waits || p.cfg.PerConnection && !c.Throttled):
		return 0
	case s.looked > 0 && p.now < s.looked+lookPause:
		return s.found
	default:
		found, _ := s.waiting()
		return found
	}
}

// picture is the past until now.
func (p *past) picture() Past {
	h := p.cfg.History
	if h == nil {
		return Past{}
	}
	p.note(p.condition(), 0)
	return Past{Memory: slices.Clone(h.Save(p.now)), Now: p.now, At: p.wall(p.now)}
}

// save has the next image of this process begin where this one ends.
func (p *past) save() {
	if h := p.cfg.History; h != nil {
		h.Save(p.now)
	}
}
