package loop

import (
	"time"

	"github.com/availd/availd/policy"
)

// This file has what the parts of the loop have in common. Each part (the sockets, the
// board, the status line and so on) is a type in a file of its own that owns its state; it
// reaches the policy, the world and the log through core, and other parts only where it is
// given them. Loop puts them together and calls them in the order of a turn.

// core is the service as all parts see it. It belongs to the loop's goroutine, but for inbox
// and wake.
type core struct {
	cfg    Config
	seams  Seams
	epoll  *epoll
	policy *policy.Service
	now    policy.Instant // of this turn

	procs   map[int]*proc // by pid
	sockets sockets
	unsents unsents
	tally   Tally
	busiest int // most workers that were busy at once while reports were read in this turn
	facts   facts

	perform func(policy.Action) []policy.Action // carries out one action
	effects []policy.Action                     // to be carried out

	done  bool // the service is over, and this turn the last
	inbox chan request
	wake  wakeEvent
}

// apply carries out the actions of one event. Effects go through a queue: their
// results are events of their own, whose actions come after what is queued
// already. So there is no recursion, and the order is that of the policy.
func (c *core) apply(actions []policy.Action) {
	if len(actions) == 0 {
		return
	}
	c.effects = append(c.effects, actions...)
	for i := 0; i < len(c.effects); i++ {
		c.effects = append(c.effects, c.perform(c.effects[i])...)
	}
	c.effects = c.effects[:0]
}

// condition is that of the pool now.
func (c *core) condition() policy.Condition { return c.policy.Condition(c.now) }

// draining: the service is being stopped.
func (c *core) draining() bool { return c.policy.Draining() }

// post hands the answer of another goroutine to the loop. It is called by that goroutine.
func (c *core) post(r request) {
	c.inbox <- r
	c.wake.wake()
}

// isDead reports whether a worker is not in the table any more.
func (c *core) isDead(p *proc) bool {
	if p.program != nil {
		return p.program.state == templateEnded
	}
	return c.procs[p.PID] != p
}

// wall is the wall-clock time of a moment. It is worked out for display only,
// so that a step of the wall clock changes nothing else.
func (c *core) wall(at policy.Instant) time.Time { return c.seams.Wall().Add(at - c.seams.Now()) }

func (c *core) clockTime(at policy.Instant) string { return c.wall(at).Format(time.TimeOnly) }
