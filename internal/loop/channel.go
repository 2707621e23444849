package loop

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// channel is our end of a worker's status channel: one of Postfix's daemons
// writes there that it is taken or free, and takes an end-of-file for the order
// to leave when it is done. Each worker has one of its own, so that one can be
// asked without the others. It is kept until nobody holds the other end, which
// may be later than the worker's end: a daemon drains by a fork, and the half that
// goes on would take our closing for that order.
type channel struct {
	fd         int
	generation uint64
	proc       *proc // nil = the worker is gone
}

// hungUp is a worker that can be heard no more. It is about to be gone, or else
// it breaks the contract.
type hungUp struct {
	proc *proc
	due  policy.Instant
}

// gonePeriod is how long after its channel a worker may end without a message.
const gonePeriod = time.Second

// maxReads bounds what is read of a dead worker's channel: others may write there.
const maxReads = 16

// openChannel takes fd over, unless it returns an error.
func (l *Loop) openChannel(fd int, generation uint64, p *proc) error {
	if err := l.epoll.add(fd, unix.EPOLLIN, kindChannel); err != nil {
		return err
	}
	c := &channel{fd: fd, generation: generation, proc: p}
	l.channels[fd] = c
	if p != nil {
		p.channel = c
		p.timing.proven = true // when it was ready nobody says
	}
	return nil
}

// readChannels reads a share of each channel that has something.
func (l *Loop) readChannels() {
	for _, fd := range l.ready.channels {
		if c := l.channels[fd]; c != nil {
			l.readChannel(c)
		}
	}
}

// lastRecords reads what a dead worker has said.
func (l *Loop) lastRecords(p *proc) {
	for range maxReads {
		if p.channel == nil || !l.readChannel(p.channel) {
			break
		}
	}
	if p.channel != nil {
		p.channel.proc = nil // from now on it is somebody else's
		p.channel = nil
	}
}

// readChannel reports whether there may be more.
func (l *Loop) readChannel(c *channel) bool {
	switch err := l.records.Read(c.fd); {
	case errors.Is(err, report.ErrEmpty):
		return false
	case err != nil: // the end, most likely
		l.hangUp(c)
		return false
	}
	if c.proc == nil {
		return true // what a worker leaves behind is none
	}
	for _, r := range l.records.List {
		l.bookRecord(c.proc, r)
	}
	if n := l.records.Rest; n > 0 {
		l.reject(c.proc, fmt.Sprintf("%d bytes are no whole record", n))
	}
	return true
}

// bookRecord is R4 of FORMAT.md. A record of another generation, or in another's
// name, is not believed, although it comes on the worker's own channel: then it
// does not mean what it says.
func (l *Loop) bookRecord(p *proc, r report.Record) {
	switch {
	case r.PID != p.PID:
		l.reject(p, fmt.Sprintf("it names process %d", r.PID))
		return
	case r.Generation != uint32(p.generation):
		l.reject(p, fmt.Sprintf("it names generation %o, in octal", r.Generation))
		return
	}
	said := policy.Report{
		Worker: p.PID, Generation: p.generation, HasAvailable: true, Available: r.Available, Held: -1, Finished: -1,
	}
	actions, verdict := l.policy.Status(l.now, said)
	if verdict == policy.Nonsense {
		l.reject(p, fmt.Sprintf("its availability is %d", r.Available))
	}
	l.measure(p, said)
	l.apply(actions)
}

// hangUp closes a channel at whose other end there is nobody any more, or
// somebody who has shut it down, which any worker can. One that lives on is not
// heard, so it is not available, and closing our end asks it to leave.
func (l *Loop) hangUp(c *channel) {
	l.closeChannel(c)
	p := c.proc
	if p == nil {
		return
	}
	p.channel = nil
	l.hungUp = append(l.hungUp, hungUp{p, l.now + gonePeriod})
	actions, _ := l.policy.Status(l.now, policy.Report{
		Worker: p.PID, Generation: p.generation, Stopping: true, Held: -1, Finished: -1,
	})
	l.apply(actions)
}

func (l *Loop) closeChannel(c *channel) {
	if err := l.epoll.remove(c.fd); err != nil {
		l.say(eventInternal, levelError, "a status channel cannot be removed: "+err.Error())
	}
	_ = unix.Shutdown(c.fd, unix.SHUT_RDWR) // the service manager has a copy
	_ = nowait.Close(c.fd)
	delete(l.channels, c.fd)
}

// missHungUp says which workers live on although their channel is closed.
func (l *Loop) missHungUp() {
	for len(l.hungUp) > 0 && l.now >= l.hungUp[0].due {
		if p := l.hungUp[0].proc; l.procs[p.PID] == p {
			l.reject(p, "it has closed its status channel, so it is asked to leave")
		}
		l.hungUp = slices.Delete(l.hungUp, 0, 1)
	}
}

// nextMissed is when a worker has to be gone; 0 = none has.
func (l *Loop) nextMissed() policy.Instant {
	if len(l.hungUp) == 0 {
		return 0
	}
	return l.hungUp[0].due
}

// endChannel asks a worker to leave by an end-of-file. The other direction stays
// open, so that what the worker says meanwhile is heard. Closing would not do: the
// service manager has a copy.
func (l *Loop) endChannel(p *proc) {
	if err := unix.Shutdown(p.channel.fd, unix.SHUT_WR); err != nil {
		l.say(eventInternal, levelError, "a worker cannot be asked to leave: "+err.Error(), "worker_pid", p.PID)
	}
}
