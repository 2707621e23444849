package loop

import (
	"slices"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file notices clients for whom nothing happens. A readable socket calls clientWaits,
// the end of a turn and each status noteUnserved.
//
// Clients can wait although not all workers are busy: for a program that does not accept
// on the socket, or for workers that hang while they are believed to be idle. The policy
// adds workers as far as it may; what follows here is for people. It looks at the queues
// in turns that come anyway and, once a client has been seen to wait, every unservedLook
// until none does.

const (
	// unservedLook is the time between two looks.
	unservedLook = time.Second
	// unservedAfter is how long clients wait before anybody is told: longer than most
	// programs take to start, and with the looks under the 5 s that a person waits who
	// tries a new service.
	unservedAfter = 3 * time.Second
)

// progress is what changes as long as clients are served, or workers added for them.
type progress struct {
	requests, spawned, exited, moves uint64
	busy                             int
}

// unserved follows clients for whom nothing happens.
type unserved struct {
	last  progress
	since policy.Instant // nothing has happened since, and clients waited all the time
	waits bool           // some do; since is valid
	due   policy.Instant // next look; 0 = nobody waits
	shown bool           // as people are told
	said  bool
}

// follow books a look: so many wait. stuck: nobody accepts, whatever workers are started.
// excused: what keeps them waiting is told otherwise.
func (u *unserved) follow(p progress, waiting int, now policy.Instant, stuck, excused bool) {
	moved := p != u.last && !stuck
	u.last = p
	switch {
	case waiting == 0:
		*u = unserved{last: p}
		return
	case !u.waits || moved || excused:
		u.waits, u.since, u.shown, u.said = true, now, false, false
	}
	u.shown = now-u.since >= unservedAfter
	u.due = now + unservedLook
}

// forget: nobody waits.
func (u *unserved) forget() { *u = unserved{} }

// clientWaits is told that a socket was readable, once the policy has acted on it.
func (l *load) clientWaits() {
	if u := &l.unserved; u.due == 0 {
		u.last, u.waits, u.since = l.progress(l.condition()), true, l.now
		u.due = l.now + unservedLook
	}
}

func (l *load) progress(c policy.Condition) progress {
	return progress{
		requests: c.Counters.Requests, spawned: c.Counters.Spawned, exited: c.Counters.Exited, moves: l.sockets.moves, busy: c.Busy,
	}
}

// noteUnserved looks at the queues if it is time, or because somebody asks.
func (l *load) noteUnserved(c policy.Condition, asked bool) {
	u := &l.unserved
	if !asked && (u.due == 0 || l.now < u.due) {
		return
	}
	waiting, known := l.sockets.waiting()
	full := (l.full.on || c.Full) && !c.Stuck // who never accepts is not busy
	u.follow(l.progress(c), waiting, l.now, c.Stuck, !known || full || c.Throttled || c.Draining || l.cfg.PerConnection)
	if u.shown && !u.said && !c.Inferred { // of programs that do not report the policy knows more
		u.said = true
		l.say(event.NoneAccepted, event.Waiting(waiting), event.Took((l.now - u.since).Round(time.Second)),
			event.Starting(c.Starting), event.Ready(c.Idle))
	}
}

// sample tells the policy how many wait at each socket. Where nobody does, clients need no
// look of their own.
func (l *load) sample() []policy.Action {
	depths := l.sockets.depths()
	if !slices.ContainsFunc(depths, func(n int) bool { return n != 0 }) {
		l.unserved.forget()
	}
	return l.policy.Sampled(l.now, depths)
}
