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
	starts    *starts
	clients   *clients
	retirees  *retirees
	templates *templates
	channels  *channels
	memory    *memory
	load      *load

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
func (u *upgrade) isSettling() bool {
	return len(u.starts.underWay) > 0 || len(u.clients.kept) > 0 || u.starts.postponed != nil
}

// becomeNext becomes the other binary when nothing is under way that it would not know
// of: a start whose command is not executed yet, or a connection without a worker,
// which would be lost.
func (u *upgrade) becomeNext() {
	if u.due == 0 || u.now < u.due && u.isSettling() {
		return
	}
	u.running, u.due = false, 0
	err := error(nil)
	switch {
	case u.draining():
		err = ErrDraining
	case len(u.clients.kept) > 0:
		err = event.KeptConnections.With(event.Waiting(len(u.clients.kept)), event.Cause(u.facts.refusal))
	}
	u.answer(err)
	if err != nil {
		u.say(event.UpgradePostponed, event.Cause(err))
		return
	}
	u.retirees.goOnAll()
	handed, undo := u.templates.handOnTemplates()
	u.memory.keep()
	u.load.past.save()
	u.seams.Flush()
	workers, channels := u.handedOn()
	err = u.seams.Execute(workers, channels, handed)
	undo()
	u.say(event.UpgradeRefused, event.Cause(err))
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

func (u *upgrade) handedOn() (workers, channels []Handed) {
	workers = make([]Handed, 0, len(u.procs))
	for _, p := range u.procs {
		if p.order != nil { // it has no process yet
			continue
		}
		workers = append(workers, Handed{p.generation, p.FD})
	}
	for _, c := range u.channels.byFD {
		channels = append(channels, Handed{c.generation, c.fd})
	}
	return workers, channels
}
