package loop

import "golang.org/x/sys/unix"

// This file tells once that a client waits, while the policy does not watch the sockets.
// queuewait.go arms it. The sockets are in an epoll set of their own, as one that the policy
// does not watch must not be ready in the loop's; each tells once (EPOLLONESHOT).

// arrivals is that set, which holds the sockets from the first time on that it is armed.
type arrivals struct{ set *epoll }

func (s *sockets) openArrivals() (err error) {
	if s.arrivals.set, err = newEpoll(); err != nil {
		return err
	}
	return s.epoll.add(s.arrivals.set.fd, unix.EPOLLIN, kindArrivals)
}

// armArrivals has a client told, also one that waits already; disarmArrivals takes that back.
// False: it cannot be.
func (s *sockets) armArrivals() bool    { return s.setArrivals(unix.EPOLLIN | unix.EPOLLONESHOT) }
func (s *sockets) disarmArrivals() bool { return s.setArrivals(unix.EPOLLONESHOT) }

func (s *sockets) setArrivals(events uint32) bool {
	set := s.arrivals.set
	for i, sock := range s.list {
		switch {
		case s.isDown(i): // readable for ever, and empty
			s.forgetArrivals(sock.FD)
		case set.modify(sock.FD, events, kindArrivals) != nil && set.add(sock.FD, events, kindArrivals) != nil:
			return false // there is no room
		}
	}
	return true
}

// takeArrivals takes note of those that have told: the set is not ready any more.
func (s *sockets) takeArrivals() {
	_, _ = s.arrivals.set.look()
}

// forgetArrivals takes a socket out before another may get its number.
func (s *sockets) forgetArrivals(fd int) {
	_ = s.arrivals.set.remove(fd)
}

func (a *arrivals) close() {
	if a.set != nil {
		_ = a.set.close()
	}
}
