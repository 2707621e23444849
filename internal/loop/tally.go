package loop

import (
	"github.com/availd/availd/internal/demand"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// Tally counts what the policy does not. It survives this process.
type Tally struct {
	Rejected         Rejected
	Exits            [status.ExitReasons]uint64
	Requests, Starts status.Histogram
	Demand           demand.Window
}

// Rejected counts what was not let in.
type Rejected struct{ Reports, Connections uint64 }

// timing is what is measured of one worker.
type timing struct {
	born    policy.Instant
	since   policy.Instant // it said that it is busy; valid if busy
	busy    bool
	proven  bool // how long its start took is booked, or was not seen
	several bool // it holds several clients: busy means that it can take no more
}

// measure books the times that end with a report. It allocates nothing.
func (l *Loop) measure(p *proc, r policy.Report) {
	t := &p.timing
	is := r.HasAvailable && r.Available == policy.Busy
	free := r.HasAvailable && r.Available == policy.Idle
	if r.Ready || is || free {
		l.measureStart(p, r.Ready || free)
	}
	t.several = t.several || r.Held >= 0 || r.Finished > 1
	// A worker that counts may go from one job to the next, or say that there
	// was none.
	if t.busy && !t.several && (free && r.Finished != 0 || is && r.Finished > 0) {
		l.tally.Requests.Observe(l.now - t.since)
		t.busy = false
	}
	if is && !t.busy {
		t.since = l.now
	}
	t.busy = is || t.busy && !free
}

// measureStart books a worker's first word. Where that is of a job already, when it
// could have taken one is not known.
func (l *Loop) measureStart(p *proc, ready bool) {
	if !p.timing.proven && ready {
		l.tally.Starts.Observe(l.now - p.timing.born)
	}
	p.timing.proven = true
}

// measureEnd books an end, and the session that is over with it.
func (l *Loop) measureEnd(p *proc, e policy.End) {
	l.tally.Exits[l.reason(p, e)]++
	failed := e.Signal == 0 && e.Code == l.cfg.Policy.ExecFailed && e.Code != 0
	if l.cfg.PerConnection && !failed {
		l.tally.Requests.Observe(l.now - p.timing.born)
	}
}

// reason is why a worker is no more.
func (l *Loop) reason(p *proc, e policy.End) int {
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
func (l *Loop) measures() status.Measures {
	m := status.Measures{Exits: l.tally.Exits}
	if h := l.tally.Requests; h != (status.Histogram{}) {
		m.Requests = &h
	}
	if h := l.tally.Starts; h != (status.Histogram{}) {
		m.Starts = &h
	}
	return m
}
