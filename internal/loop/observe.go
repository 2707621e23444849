package loop

import (
	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/policy"
)

// This file has workers of a new revision looked at, for proof.go of the policy. A turn
// collects the Observe actions and calls ask once, near its end; another goroutine
// looks, and observed books the answer in a later turn.

// observing collects whom the policy wants looked at in this turn. There is one look at
// a time, by another goroutine: it reads what belongs to other processes, so that nobody
// knows how long it takes. What is asked for meanwhile is left out, and asked for again.
type observing struct {
	*core
	asked   []inspect.Worker
	running bool
}

// ask ends a turn.
func (o *observing) ask() {
	if len(o.asked) == 0 {
		return
	}
	if !o.running && o.seams.Observe != nil {
		o.running = true
		o.seams.Observe(append([]inspect.Worker(nil), o.asked...), func(seen []policy.Observation) {
			o.post(request{observed: &observed{seen}})
		})
	}
	o.asked = o.asked[:0]
}

type observed struct{ seen []policy.Observation }

// observed tells the policy what was found. A worker that has ended meanwhile, and whose
// number may be another's, is not in its table any more.
func (o *observing) observed(seen []policy.Observation) {
	o.running = false
	n, known := o.sockets.waiting()
	if !known {
		n = policy.Unsure
	}
	o.apply(o.policy.Observed(o.now, n, seen))
}
