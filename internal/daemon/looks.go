package daemon

import (
	"github.com/availd/availd/internal/activity"
	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/policy"
)

// This file looks at workers for the loop, which may not wait for what it takes to read of
// another process.

// answerer answers questions of one kind in a goroutine of its own, which the first one
// starts. The loop asks for one at a time.
type answerer[Q, A any] struct{ questions chan asked[Q, A] }

type asked[Q, A any] struct {
	question Q
	done     func(A)
}

// ask has done called with the answer, from the goroutine. begin makes what answers, and is
// called for the first question, by the caller's goroutine.
func (a *answerer[Q, A]) ask(q Q, done func(A), begin func() func(Q) A) {
	if a.questions == nil {
		a.questions = make(chan asked[Q, A], 1)
		answer := begin()
		go func() {
			for q := range a.questions {
				q.done(answer(q.question))
			}
		}()
	}
	a.questions <- asked[Q, A]{q, done} // there is room, as the last one was answered
}

// observe looks at workers of a new revision.
func (d *daemon) observe(workers []inspect.Worker, done func([]policy.Observation)) {
	d.observer.ask(workers, done, func() func([]inspect.Worker) []policy.Observation {
		looker := inspect.NewObserver(d.listeners())
		return func(workers []inspect.Worker) (seen []policy.Observation) {
			nowait.Blocking(func() { seen = observations(looker, workers) })
			return seen
		}
	})
}

func observations(looker *inspect.Observer, workers []inspect.Worker) []policy.Observation {
	generations := make(map[uint64]bool, len(workers))
	for _, w := range workers {
		generations[w.Generation] = true
	}
	looker.Round(generations)
	seen := make([]policy.Observation, 0, len(workers))
	for _, w := range workers {
		seen = append(seen, looker.Look(w))
	}
	return seen
}

// explain looks at workers whose requests take long. It bounds itself.
func (d *daemon) explain(list []activity.Question, done func([]activity.Activity)) {
	d.explainer.ask(list, done, func() func([]activity.Question) []activity.Activity {
		return activity.New(d.listeners()).Look
	})
}

// The parts of a processor that looks at what workers hold may use: half a hundredth where
// somebody asks for the status, and a fifth of one for requests that take long: with what the
// loop does for each look, and their explanations, that is less than half a hundredth in all.
const (
	worksShare = 200
	dueShare   = 500
)

// worksQuestion is what works is asked.
type worksQuestion struct {
	workers []policy.Working
	limits  quiesce.Limits
}

// works looks at what workers that do not report have to do, and remembers what it has
// seen. An empty answer says that it was not looked.
func (d *daemon) works(asked []policy.Working, limits quiesce.Limits, done func([]policy.Working)) {
	d.worksLooker.ask(worksQuestion{asked, limits}, done, func() func(worksQuestion) []policy.Working {
		looker := quiesce.New(d.listeners(), []int{1, 2})
		all, due := nowait.Allowance{Share: worksShare}, nowait.Allowance{Share: dueShare}
		return func(q worksQuestion) (found []policy.Working) {
			nowait.Blocking(func() {
				none := q.limits == quiesce.Limits{}
				switch {
				case none && all.Begin():
					looker.Works(q.workers)
					found = q.workers
					all.End()
				case !none && due.Begin():
					found = looker.Due(q.workers, q.limits)
					due.End()
				}
			})
			return found
		}
	})
}
