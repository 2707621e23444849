package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// This file has the kernel say when a connection comes for which no idle worker waits. It
// is what allows batch.go to leave reports unread for long: the one thing that must not
// wait for them is the start of a worker for a client whom nobody serves.
//
// Workers wait with EPOLLEXCLUSIVE, so the kernel goes through those who have registered a
// socket, in the order in which they did, and stops at the first that waits. The sockets
// are in a set of availd's own in the same way, behind all workers. It is reached if no
// worker waits, and only then. Nobody waits in that set itself; it is in the loop's set, and
// so it does not count as one that waits: a connection for which availd is woken is still
// any worker's to take.
//
// A worker that comes to stand behind availd, as it was started later or takes turns with
// the others, gets its connections all the same: availd is woken for nothing, and goes to
// the end again. Workers that wait in another way
// (poll(2), a set without EPOLLEXCLUSIVE, a blocking accept(2)) have it woken for each
// connection. That is noticed, and reports are read as they would be without all this.

const (
	// uselessCosts is how many reports have to be read for each wake-up for nothing: one
	// spares as many wake-ups as that, or it does not pay. A pool on a busy machine has some,
	// as a worker that has said that it is idle may not have got so far as to wait.
	uselessCosts = 3
	// mostUseless is how many reports may be wanting before the kernel is not asked any
	// more, for untakenPause.
	mostUseless  = 64
	untakenPause = 10 * time.Second
	// standAgain is the least time between two attempts to stand behind all workers,
	// unless one was started.
	standAgain = 20 * time.Millisecond
	// standEvery is after how long that is done without being woken for nothing, as workers
	// take turns.
	standEvery = 100 * time.Millisecond
)

// untaken is the set and what it has been good for.
type untaken struct {
	set     *epoll         // nil = it is not made yet
	watched bool           // by the loop
	broken  bool           // the kernel refuses it
	useless int            // reports that are wanting
	off     policy.Instant // it is not watched until then
	stood   policy.Instant // when the sockets were put behind all workers
	spawned uint64         // … of which so many had been started
}

// hearsUntaken reports whether connections that nobody takes can be heard of now.
func (s *sockets) hearsUntaken() bool { return !s.untaken.broken && s.now >= s.untaken.off }

// watchUntaken begins, goes on, or ends to be woken by them. False: it cannot be begun.
func (s *sockets) watchUntaken(want bool) bool {
	u := &s.untaken
	if u.watched && want && s.now >= u.stood+standEvery {
		u.broken = !s.standLast()
	}
	if u.watched == want {
		return true
	}
	if want && !s.openUntaken() {
		u.broken = true
		return false
	}
	events := uint32(0)
	if want && s.condition().Counters.Spawned != u.spawned && !s.standLast() {
		u.broken = true
		return false
	}
	if want {
		events = unix.EPOLLIN | unix.EPOLLET
	}
	if s.epoll.modify(u.set.fd, events, kindUntaken) != nil {
		return !want
	}
	u.watched = want
	return true
}

func (s *sockets) openUntaken() bool {
	u := &s.untaken
	if u.set != nil {
		return true
	}
	set, err := newEpoll()
	if err != nil {
		return false
	}
	u.set = set
	return s.standLast() && s.epoll.add(set.fd, 0, kindUntaken) == nil
}

// standLast puts the sockets behind all workers that have registered them by now.
func (s *sockets) standLast() bool {
	s.untaken.stood, s.untaken.spawned = s.now, s.condition().Counters.Spawned
	for i, sock := range s.list {
		_ = s.untaken.set.remove(sock.FD) // it may not be in it
		if s.isDown(i) {
			continue
		}
		if s.untaken.set.add(sock.FD, unix.EPOLLIN|unix.EPOLLET|unix.EPOLLEXCLUSIVE, kindUntaken) != nil {
			return false
		}
	}
	_, _ = s.untaken.set.look() // what waits now is known
	return true
}

// heardUntaken is called once the reports are read that came before such a connection.
func (s *sockets) heardUntaken(ready bool) {
	u := &s.untaken
	if !ready || !u.watched || s.condition().Idle == 0 {
		return
	}
	if u.useless += uselessCosts; u.useless >= mostUseless {
		u.useless, u.off = 0, s.now+untakenPause
	}
	if s.now >= u.stood+standAgain {
		u.broken = !s.standLast()
	}
}

// forgetUntaken takes a socket out before another may get its number.
func (s *sockets) forgetUntaken(fd int) {
	if s.untaken.set != nil {
		_ = s.untaken.set.remove(fd)
	}
}

func (u *untaken) close() {
	if u.set != nil {
		_ = u.set.close()
	}
}
