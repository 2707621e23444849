package loop

import "github.com/availd/availd/policy"

// This file puts together what people are told of a pool under load: since when it is full
// (fullness.go), which limit it should have (demand.go, overload.go), whether clients
// wait for whom nothing happens (unserved.go), and what the history is to keep (past.go). A
// turn calls follow once, at its end.

// load is all of that.
type load struct {
	*core

	full     fullness
	need     need
	overload overload
	unserved unserved
	past     past
}

// follow ends a turn.
func (l *load) follow(c policy.Condition) {
	busiest := l.busiest
	l.followFull(c)
	l.noteDemand(c)
	l.noteUnserved(c, false)
	l.past.note(c, busiest)
}
