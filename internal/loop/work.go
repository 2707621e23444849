package loop

import (
	"time"

	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/policy"
)

// This file has it looked which workers are at a request where nobody reports: by the
// connections that they hold. The policy asks for it while somebody wants to know
// (--slow-after, --busy-timeout), and so does a status. The look is made by another
// goroutine, because how long it takes depends on the workers; there is one at a time.

// workPause is the least time between two looks that a status asks for.
const workPause = time.Second

// workLooks is the look that is under way.
type workLooks struct {
	*core
	running bool
	all     bool           // … and it is at all workers, whatever they are at
	wanted  bool           // such a one is to follow it
	at      policy.Instant // when the latest one at all was asked for; 0 = never
	found   policy.Instant // when it was answered; 0 = never
}

// begin carries out the action LookAtWork: the policy wants to know of requests that take too
// long. A look that is running already answers it.
func (l *workLooks) begin() {
	p := &l.cfg.Policy
	l.look(quiesce.Limits{Slow: p.SlowAfter, Busy: p.BusyTimeout})
}

func (l *workLooks) look(limits quiesce.Limits) {
	if l.running || l.seams.Works == nil {
		return
	}
	var asked []policy.Working
	l.policy.Each(l.now, func(w policy.Worker) {
		if p := l.procs[w.ID]; p != nil && p.order == nil && !p.starting {
			asked = append(asked, policy.Working{Worker: w.ID, Generation: w.Generation})
		}
	})
	l.running, l.all = true, limits == quiesce.Limits{}
	if l.all {
		l.at = l.now
	}
	l.seams.Works(asked, limits, func(found []policy.Working) { l.post(request{works: &works{found}}) })
}

// ask asks for a status, which shows all requests, and reports whether more will be known in
// a moment.
func (l *workLooks) ask() (soon bool) {
	if !l.policy.Infers() || len(l.procs) == 0 {
		return false
	}
	if l.at == 0 || l.now >= l.at+workPause {
		l.wanted = l.running && !l.all
		l.look(quiesce.Limits{})
	}
	return (l.wanted || l.running && l.all) && (l.found == 0 || l.now >= l.found+workPause)
}

// works is the answer; an empty one says that it was not looked.
type works struct{ found []policy.Working }

// looked books it.
func (l *workLooks) looked(found []policy.Working) {
	l.running = false
	if l.all {
		l.found = l.now
	}
	l.apply(l.policy.Worked(l.now, found))
	if l.wanted {
		l.wanted = false
		l.look(quiesce.Limits{})
	}
}
