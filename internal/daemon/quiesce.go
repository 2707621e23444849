package daemon

import (
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/quiesce"
)

// look looks at stopped workers. What is needed for that is opened by the first
// call: most services never make one.
func (d *daemon) look(workers []loop.Process, found []loop.Held) {
	if d.looker == nil {
		var listeners []int
		for _, s := range d.sockets.Workers {
			listeners = append(listeners, s.FD)
		}
		d.looker = quiesce.New(listeners, []int{1, 2})
	}
	d.looked.pids = d.looked.pids[:0]
	for _, w := range workers {
		d.looked.pids = append(d.looked.pids, w.PID)
	}
	for len(d.looked.states) < len(workers) {
		d.looked.states = append(d.looked.states, 0)
	}
	d.looker.Look(d.looked.pids, d.looked.states[:len(workers)])
	for i := range workers {
		found[i] = heldOf(d.looked.states[i])
	}
}

// looked is kept from look to look.
type looked struct {
	pids   []int
	states []quiesce.State
}

// heldOf translates. One that has ended is buried as usual; until then it is as
// good as any that is to be looked at later.
func heldOf(s quiesce.State) loop.Held {
	switch s {
	case quiesce.Free:
		return loop.HeldNone
	case quiesce.Holding, quiesce.Gone:
		return loop.HeldSome
	case quiesce.Denied:
		return loop.HeldDenied
	case quiesce.Shares:
		return loop.HeldShared
	default:
		return loop.HeldRunning
	}
}
