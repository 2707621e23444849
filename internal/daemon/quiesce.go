package daemon

import (
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/quiesce"
)

// look has workers looked at by a goroutine of its own: how long that takes depends on
// them. What is needed for it is opened by the first call, as most services never make
// one. The loop has one look under way at a time, so the looker has one user.
func (d *daemon) look(questions []quiesce.Question, found func([]quiesce.State)) {
	go func() {
		if d.looker == nil {
			d.looker = quiesce.New(d.listeners(), []int{1, 2})
		}
		states := make([]quiesce.State, len(questions))
		nowait.Blocking(func() { d.looker.Look(questions, states) })
		found(states)
	}()
}
