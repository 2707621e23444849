package loop

import "fmt"

// upgrade is the in-place upgrade under way.
type upgrade struct {
	running bool
	replies []chan<- error
}

type trial struct{ err error }

// tryUpgrade runs the installed binary on a copy of the state, as a child and
// in another goroutine, while the loop goes on.
func (l *Loop) tryUpgrade(reply chan<- error) {
	if reply != nil {
		l.upgrade.replies = append(l.upgrade.replies, reply)
	}
	switch {
	case l.policy.Condition(l.now).Draining:
		l.say(eventUpgrade, levelInfo, "the upgrade is ignored: "+ErrDraining.Error())
		l.endUpgrade(ErrDraining)
	case !l.upgrade.running:
		l.upgrade.running = true
		l.keep() // the trial looks at what is
		l.seams.Trial(func(err error) {
			l.inbox <- request{tried: &trial{err}}
			l.bell.ring()
		})
	}
}

// tried acts on the outcome: become the other binary, or go on as before.
func (l *Loop) tried(err error) {
	l.upgrade.running = false
	if err == nil && l.policy.Condition(l.now).Draining {
		err = ErrDraining
	}
	if err != nil {
		l.say(eventUpgrade, levelError, fmt.Sprintf(
			"the upgrade is refused, this availd goes on: %v; mend the binary and upgrade again", err))
		l.endUpgrade(err)
		return
	}
	l.endUpgrade(nil)
	l.births = 0
	l.birthAgain() // a connection that waits here for its worker would be lost
	l.releaseLeavers()
	l.keep()
	l.seams.Flush()
	err = l.seams.Execute(l.handedOn())
	l.say(eventUpgrade, levelError, fmt.Sprintf("the upgrade is refused, this availd goes on: %v", err))
}

func (l *Loop) endUpgrade(err error) {
	for _, reply := range l.upgrade.replies {
		reply <- err
	}
	l.upgrade.replies = nil
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
		workers = append(workers, Handed{p.generation, p.FD})
	}
	for _, c := range l.channels {
		channels = append(channels, Handed{c.generation, c.fd})
	}
	return workers, channels
}
