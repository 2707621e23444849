package loop

import (
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file bounds the messages about crashes at work. log.go calls tell for each.
//
// A client that keeps asking for the page that crashes makes dozens of workers crash
// a second, and none of these ends changes the condition of the service. The first
// is logged at once; those that follow are counted, and said with the first after
// the pause. status and metrics count them all.

// crashPause is the least time between two messages about crashes at work.
const crashPause = time.Minute

// crashes is what was not said yet.
type crashes struct {
	*core
	said   policy.Instant // 0 = never
	unsaid int
}

// tell logs the crash of a worker that had started well, once in a while.
func (c *crashes) tell(a policy.Action) {
	if c.said > 0 && c.now < c.said+crashPause {
		c.unsaid++
		return
	}
	others, since := c.unsaid, c.said
	c.said, c.unsaid = c.now, 0
	if others > 0 {
		c.say(event.WorkersCrashed, of(a), event.End(ending(a.End)), event.Others(others), event.Since(c.clockTime(since)))
		return
	}
	c.say(event.WorkerCrashed, of(a), event.End(ending(a.End)))
}
