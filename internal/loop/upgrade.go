package loop

import (
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file upgrades availd in place. The inbox begins it, another goroutine tries the
// new binary, and becomeNext executes it at the end of a turn, when no start is under
// way or it has waited for settlePeriod.

// settlePeriod is how long an upgrade waits for starts that are under way and for
// connections without a worker: the next image of this process knows of neither.
const settlePeriod = 5 * time.Second

// upgrade is the in-place upgrade under way.
type upgrade struct {
	*core
	memory *memory

	running bool
	due     policy.Instant // the trial has passed; settlePeriod ends then. 0 = it has not
	replies []chan<- error
}

type trial struct{ err error }

// try runs the installed binary on a copy of the state, as a child and
// in another goroutine, while the loop goes on.
func (u *upgrade) try(reply chan<- error) {
	if reply != nil {
		u.replies = append(u.replies, reply)
	}
	switch {
	case u.draining():
		u.say(event.UpgradeIgnored, event.Cause(ErrDraining))
		u.answer(ErrDraining)
	case !u.running:
		u.running = true
		u.memory.keep() // the trial looks at what is
		u.seams.Trial(func(err error) {
			u.post(request{tried: &trial{err}})
		})
	}
}

// tried acts on the outcome: become the other binary, or go on as before.
func (u *upgrade) tried(err error) {
	u.running = false
	if err == nil && u.draining() {
		err = ErrDraining
	}
	if err != nil {
		u.say(event.UpgradeRefused, event.Cause(err))
		u.answer(err)
		return
	}
	u.running, u.due = true, u.now+settlePeriod
}

// isSettling: something is under way that the next image would not know of.
func (l *Loop) isSettling() bool {
	return len(l.starts.underWay) > 0 || len(l.clients.kept) > 0 || l.starts.postponed != nil
}

// holdSockets ends a turn. While a start waits for others to be executed, or an
// upgrade for starts, connections are left to the kernel, whatever the wish.
func (l *Loop) holdSockets() {
	hold := l.upgrade.due > 0 || l.starts.postponed != nil && len(l.starts.underWay) >= maxUnderWay
	if hold != l.sockets.held {
		l.sockets.held = hold
		l.sockets.set(l.sockets.watch)
	}
}

// becomeNext becomes the other binary when nothing is under way that it would not know
// of: a start whose command is not executed yet, or a connection without a worker,
// which would be lost.
func (l *Loop) becomeNext() {
	u := &l.upgrade
	if u.due == 0 || l.now < u.due && l.isSettling() {
		return
	}
	u.running, u.due = false, 0
	err := error(nil)
	switch {
	case l.draining():
		err = ErrDraining
	case len(l.clients.kept) > 0:
		err = event.KeptConnections.With(event.Waiting(len(l.clients.kept)), event.Cause(l.facts.refusal))
	}
	l.upgrade.answer(err)
	if err != nil {
		l.say(event.UpgradePostponed, event.Cause(err))
		return
	}
	l.retirees.goOnAll()
	handed, undo := l.templates.handOnTemplate()
	l.memory.keep()
	l.load.past.save()
	l.seams.Flush()
	workers, channels := l.handedOn()
	err = l.seams.Execute(workers, channels, handed)
	undo()
	l.say(event.UpgradeRefused, event.Cause(err))
}

func (u *upgrade) answer(err error) {
	for _, reply := range u.replies {
		reply <- err
	}
	u.replies = nil
}

// Handed is what the next image of this process gets of a worker: its pidfd or
// its status channel, which stays the loop's.
type Handed struct {
	Generation uint64
	FD         int
}

func (l *Loop) handedOn() (workers, channels []Handed) {
	workers = make([]Handed, 0, len(l.procs))
	for _, p := range l.procs {
		if p.order != nil { // it has no process yet
			continue
		}
		workers = append(workers, Handed{p.generation, p.FD})
	}
	for _, c := range l.channels.byFD {
		channels = append(channels, Handed{c.generation, c.fd})
	}
	return workers, channels
}
