package loop

import (
	"time"

	"github.com/availd/availd/internal/quiesce"
)

// This file says when a retiring worker is looked at again. Only quiesce.go calls it,
// after each look.

// Times and bounds of quiescing.
const (
	maxLooks  = 16                     // at once
	lookAgain = time.Millisecond       // at one that has not stopped yet
	lookLong  = 500 * time.Millisecond // … or whose look takes long: it is continued for now
	firstWait = 10 * time.Millisecond  // until the next look at one that holds a connection, doubled up to
	longWait  = time.Second

	// A worker that goes on accepting has to be caught between two connections, so it
	// is looked at often for a while.
	drainWait  = 2 * time.Millisecond
	drainLooks = 2500
	drainLong  = 20 * time.Millisecond

	// hearWait is how long a worker may take to leave accept(2) after its signal.
	hearWait = 2 * time.Second
	hearLong = 30 * time.Second // between two looks, which begin a second apart

	// A worker that went from one connection to the next passings times, each within
	// quickly, has short requests: it may be stopped while it holds one, until it has
	// held the same one for as long.
	quickly  = 500 * time.Millisecond
	passings = 3

	// sharedLong is how long every look has to find a child with a listening socket
	// before it counts. A program that executes another one for a request has such a
	// child for a moment, between its fork(2) and its exec.
	sharedLong = 500 * time.Millisecond

	// deniedLong is how long a moment is waited for in which nobody is connected, if a
	// worker may not be looked at, until it gets a signal that may cost it a client.
	deniedLong = 5 * time.Second
)

// passes reports whether w goes from one short request to the next.
func (w *retiree) passes() bool { return w.changes >= passings }

// noteHeld books that w holds a connection.
func (s *retirees) noteHeld(w *retiree, h quiesce.State) {
	soon := s.now-w.changed < quickly && w.changed > 0
	switch {
	case w.signalled:
	case h == quiesce.Passing && soon:
		w.changes++
	case h == quiesce.Passing || !soon:
		w.changes = 0
	}
	if h == quiesce.Passing {
		w.changed = s.now
	}
}

func (s *retirees) later(w *retiree) {
	w.looks++
	w.due = s.now + s.nextLook(w)
}

// nextLook is the pause before the next look.
func (s *retirees) nextLook(w *retiree) time.Duration {
	switch {
	case w.signalled:
		return min(longWait<<min(w.looks-1, 10), hearLong)
	case !s.draining() && w.changed > 0 && s.now-w.changed < quickly && !w.passes():
		return firstWait
	case !s.draining() && !w.passes():
		return min(firstWait<<min(w.looks-1, 10), longWait)
	case w.looks < drainLooks:
		return drainWait
	default:
		return drainLong
	}
}
