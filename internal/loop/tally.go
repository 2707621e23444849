package loop

import (
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// This file counts and measures what the policy does not need: rejected reports, reasons
// of exits, times of requests and starts. Reports and exits call it as they are booked.

// Tally counts what the policy does not. It survives this process.
type Tally struct {
	Rejected         Rejected
	Exits            [status.ExitReasons]uint64
	Requests, Starts state.Histogram
	Waits            state.Histogram // of connections, until they were accepted
	Abandoned        uint64          // clients that hung up while they waited
	TemplateFailures uint64
	Demand           state.Demand
}

// Rejected counts what was not let in.
type Rejected struct{ Reports, Connections uint64 }

// timing is what is measured of one worker.
type timing struct {
	started policy.Instant
	since   policy.Instant // it said that it is busy; valid if busy
	busy    bool
	proven  bool // how long its start took is booked, or was not seen
	several bool // it holds several clients: busy means that it can take no more
}

// measure books the times that end with a report, which was sent at that moment. It
// allocates nothing.
func (c *core) measure(p *proc, r policy.Report, at policy.Instant) {
	t := &p.timing
	is := r.HasAvailable && r.Available == policy.Busy
	free := r.HasAvailable && r.Available == policy.Idle
	if r.Ready || is || free {
		c.measureStart(p, r.Ready || free, at)
	}
	t.several = t.several || r.Held >= 0 || r.Finished > 1
	// A worker that counts may go from one job to the next, or say that there
	// was none.
	if t.busy && !t.several && (free && r.Finished != 0 || is && r.Finished > 0) {
		c.tally.Requests.Observe(max(0, at-t.since))
		t.busy = false
	}
	if is && !t.busy {
		t.since = at
	}
	t.busy = is || t.busy && !free
}

// measureStart books a worker's first word. Where that is of a job already, when it
// could have taken one is not known.
func (c *core) measureStart(p *proc, ready bool, at policy.Instant) {
	if !p.timing.proven && ready {
		c.tally.Starts.Observe(max(0, at-p.timing.started))
	}
	p.timing.proven = true
}

// measureEnd books an end, and the session that is over with it.
func (c *core) measureEnd(p *proc, e policy.End) {
	c.tally.Exits[c.reason(p, e)]++
	failed := e.Signal == 0 && e.Code == c.cfg.Policy.ExecFailed && e.Code != 0
	if c.cfg.PerConnection && !failed {
		c.tally.Requests.Observe(c.now - p.timing.started)
	}
}

// reason is why a worker is no more.
func (c *core) reason(p *proc, e policy.End) int {
	switch {
	case e.Unknown:
		return status.ExitUnknown
	case e.Good():
		return status.ExitClean
	case p.forced:
		return status.ExitKilled
	case e.Signal != 0:
		return status.ExitSignal
	default:
		return status.ExitFailed
	}
}

// measures are a copy. Times of which none was ever measured are not known: not
// every protocol shows them, and not every worker of one that does.
func (c *core) measures() status.Measures {
	m := status.Measures{Exits: c.tally.Exits}
	if h := c.tally.Requests; h != (state.Histogram{}) {
		m.Requests = &h
	}
	if h := c.tally.Starts; h != (state.Histogram{}) {
		m.Starts = &h
	}
	if h := c.tally.Waits; h != (state.Histogram{}) {
		m.Waits = &h
	}
	return m
}
