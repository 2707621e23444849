package policy

import "time"

// This file has what the rules have in common. Each rule (listening, throttle, stress and
// so on) is a type in a file of its own that owns its state; it reaches the configuration,
// the table and the running event through core, and other rules only where New gives them.

// Instant is a moment: the time since an arbitrary epoch of the monotonic
// clock. Wall clocks do not occur in this package.
type Instant = time.Duration

// never is earlier than every moment that a strict comparison can meet.
const never = Instant(-1 << 63)

// far is later than every deadline.
const far = Instant(1<<63 - 1)

// core is the service as all rules see it.
type core struct {
	cfg     Config
	now     Instant  // of the running event
	actions []Action // of the running event; its storage is used again by the next

	table      table
	generation uint64       // of the last start, successful or not
	pending    pendingStart // asked of the caller, result not yet known
	draining   bool         // the service is being stopped
	heardAt    Instant      // last report or exit that changed something
	lastDone   Instant      // the latest finished request; never = none was
	counters   Counters
	uses       uint64 // signs of work
}

// begin opens an event: R0 says that one clock reading holds for all of it.
func (c *core) begin(now Instant) {
	if now < c.now {
		panic("policy: time runs backwards")
	}
	c.now = now
	c.actions = c.actions[:0]
}

func (c *core) emit(a Action) { c.actions = append(c.actions, a) }

// total and unproven count the start that was asked for, too: it takes a place in the limit.
func (c *core) total() int    { return c.table.total() + c.pending.n() }
func (c *core) unproven() int { return c.table.starting + c.pending.n() }

// places is how many of MaxStarting are taken: by those that compute.
func (c *core) places() int {
	if !c.cfg.AsleepApart {
		return c.unproven()
	}
	return c.unproven() - c.table.asleep
}

func (c *core) belowLimit() bool { return c.cfg.Limit == 0 || c.total() < c.cfg.Limit }

// batchSize is how many workers are replaced at a time: a quarter of the limit; of the
// workers there are, where there is none.
func (c *core) batchSize() int {
	size := c.cfg.Limit
	if size == 0 {
		size = c.table.total()
	}
	return max(1, size/4)
}
