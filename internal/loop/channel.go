package loop

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// This file reads the status channels of Postfix's daemons. A turn calls read
// after the reports and before deadlines; an exit reads what is left of one.

// channel is our end of a worker's status channel: one of Postfix's daemons
// writes there that it is taken or free, and takes an end-of-file for the order
// to retire when it is done. Each worker has one of its own, so that one can be
// asked without the others. It is kept until nobody holds the other end, which
// may be later than the worker's end: a daemon drains by a fork, and the half that
// goes on would take our closing for that order.
type channel struct {
	fd         int
	generation uint64
	proc       *proc // nil = the worker is gone
}

// channels are all of them.
type channels struct {
	*core

	byFD    map[int]*channel
	records report.Records
	hungUp  []hungUp // in order of time
}

// hungUp is a worker that can be heard no more. It is about to be gone, or else
// it breaks the contract.
type hungUp struct {
	proc *proc
	due  policy.Instant
}

// exitPeriod is how long after its channel a worker may end without a message.
const exitPeriod = time.Second

// maxReads bounds what is read of a dead worker's channel: others may write there.
const maxReads = 16

// open takes fd over, unless it returns an error.
func (s *channels) open(fd int, generation uint64, p *proc) error {
	if err := s.epoll.add(fd, unix.EPOLLIN, kindChannel); err != nil {
		return err
	}
	c := &channel{fd: fd, generation: generation, proc: p}
	s.byFD[fd] = c
	if p != nil {
		p.channel = c
		p.timing.proven = true // when it was ready nobody says
	}
	return nil
}

// read reads a share of each channel that has something.
func (s *channels) read(ready []int) {
	for _, fd := range ready {
		if c := s.byFD[fd]; c != nil {
			s.readOne(c)
		}
	}
}

// readLast reads what a dead worker has said.
func (s *channels) readLast(p *proc) {
	for range maxReads {
		if p.channel == nil || !s.readOne(p.channel) {
			break
		}
	}
	if p.channel != nil {
		p.channel.proc = nil // from now on it is somebody else's
		p.channel = nil
	}
}

// readOne reports whether there may be more.
func (s *channels) readOne(c *channel) bool {
	switch err := s.records.Read(c.fd); {
	case errors.Is(err, report.ErrEmpty):
		return false
	case err != nil: // the end, most likely
		s.hangUp(c)
		return false
	}
	if c.proc == nil {
		return true // what a worker leaves behind is none
	}
	for _, r := range s.records.List {
		s.book(c.proc, r)
	}
	if n := s.records.Rest; n > 0 {
		s.reject(c.proc, event.PartialRecord.With(event.Bytes(n)))
	}
	return true
}

// book is R4 of FORMAT.md. A record of another generation, or in another's
// name, is not believed, although it comes on the worker's own channel: then it
// does not mean what it says.
func (s *channels) book(p *proc, r report.Record) {
	switch {
	case r.PID != p.PID:
		s.reject(p, event.OtherPID.With(event.PID(r.PID)))
		return
	case r.Generation != uint32(p.generation):
		s.reject(p, event.OtherSerial.With(event.Octal(strconv.FormatUint(uint64(r.Generation), 8))))
		return
	}
	said := policy.Report{
		Worker: p.PID, Generation: p.generation, HasAvailable: true, Available: r.Available, Held: -1, Finished: -1,
	}
	actions, verdict := s.policy.Status(s.now, said)
	if verdict == policy.Nonsense {
		s.reject(p, event.NoState.With(event.Value(r.Available)))
	}
	s.measure(p, said, s.now)
	s.apply(actions)
}

// hangUp closes a channel at whose other end there is nobody any more, or
// somebody who has shut it down, which any worker can. One that lives on is not
// heard, so it is not available, and closing our end asks it to retire.
func (s *channels) hangUp(c *channel) {
	s.close(c)
	p := c.proc
	if p == nil {
		return
	}
	p.channel = nil
	s.hungUp = append(s.hungUp, hungUp{p, s.now + exitPeriod})
	actions, _ := s.policy.Status(s.now, policy.Report{
		Worker: p.PID, Generation: p.generation, Stopping: true, Held: -1, Finished: -1,
	})
	s.apply(actions)
}

func (s *channels) close(c *channel) {
	if err := s.epoll.remove(c.fd); err != nil {
		s.say(event.ChannelKept, event.Cause(err))
	}
	_ = unix.Shutdown(c.fd, unix.SHUT_RDWR) // the service manager has a copy
	s.seams.Discard(c.fd)                   // of what is unread in it the worker decides how long that takes
	delete(s.byFD, c.fd)
}

// missHungUp says which workers live on although their channel is closed.
func (s *channels) missHungUp() {
	for len(s.hungUp) > 0 && s.now >= s.hungUp[0].due {
		if p := s.hungUp[0].proc; s.procs[p.PID] == p {
			s.reject(p, event.HungUp.With())
		}
		s.hungUp = slices.Delete(s.hungUp, 0, 1)
	}
}

// nextMissed is when a worker has to be gone; 0 = none has.
func (s *channels) nextMissed() policy.Instant {
	if len(s.hungUp) == 0 {
		return 0
	}
	return s.hungUp[0].due
}

// end asks a worker to retire by an end-of-file. The other direction stays
// open, so that what the worker says meanwhile is heard. Closing would not do: the
// service manager has a copy.
func (s *channels) end(p *proc) {
	if err := unix.Shutdown(p.channel.fd, unix.SHUT_WR); err != nil {
		s.say(event.NotAsked, event.Worker(p.PID, p.generation), event.Cause(err))
	}
}
