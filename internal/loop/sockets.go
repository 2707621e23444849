package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// sockets puts the listening sockets into the epoll set and takes them out, as
// the policy wishes.
type sockets struct {
	loop  *Loop
	list  []Socket
	watch policy.Watch
	in    []bool         // the set, by socket
	again policy.Instant // when those are tried again that could not be watched; 0 = there are none

	sample []int
}

// watchAgain is when a socket is tried again for which the kernel had no memory, or
// epoll no room (max_user_watches, epoll(7)): clients wait there, and nothing else
// may ever happen.
const watchAgain = time.Second

// interest is what the set is told for each wish.
func interest(w policy.Watch) uint32 {
	switch w {
	case policy.WatchNew:
		return unix.EPOLLIN | unix.EPOLLET
	case policy.WatchOnce:
		return unix.EPOLLIN | unix.EPOLLONESHOT
	default:
		return unix.EPOLLIN
	}
}

// set makes the wish true for all sockets.
func (s *sockets) set(w policy.Watch) {
	told := s.again > 0
	s.watch, s.again = w, 0
	for i, sock := range s.list {
		err := s.put(i)
		if err == nil {
			continue
		}
		s.again = s.loop.now + watchAgain
		if !told {
			s.loop.say(eventInternal, levelError, "socket "+sock.Name+" cannot be watched ("+err.Error()+
				"): its connections start no workers until it can, which is tried every second; see whether memory or fs.epoll.max_user_watches is short",
				"socket", sock.Name)
		}
	}
}

// put makes the wish true for one socket.
func (s *sockets) put(i int) (err error) {
	fd, was := s.list[i].FD, s.in[i]
	switch s.in[i] = s.watch != policy.WatchOff; {
	case was && !s.in[i]:
		err = s.loop.epoll.remove(fd)
	case was:
		err = s.loop.epoll.modify(fd, interest(s.watch), kindSocket)
	case s.in[i]:
		err = s.loop.epoll.add(fd, interest(s.watch), kindSocket)
		s.in[i] = err == nil
	}
	return err
}

// tryAgain makes the wish true that could not be made before.
func (s *sockets) tryAgain() {
	if s.again > 0 && s.loop.now >= s.again {
		s.set(s.watch)
	}
}

// waiting is the number of connections that nobody has accepted yet. A queue
// of unknown depth counts as 1 when it is readable.
func (s *sockets) waiting() (sum int, known bool) {
	known = true
	for _, sock := range s.list {
		d := s.loop.seams.Depth(sock.FD)
		switch {
		case d.Waiting >= 0:
			sum += d.Waiting
		case d.Readable:
			sum++
			known = false
		default:
			known = false
		}
	}
	return sum, known
}

// depths is the number of waiting connections for each socket. The slice is
// valid until the next call.
func (s *sockets) depths() []int {
	s.sample = s.sample[:0]
	for _, sock := range s.list {
		d := s.loop.seams.Depth(sock.FD)
		n := max(d.Waiting, 0)
		if d.Waiting < 0 && d.Readable {
			n = policy.Unsure
		}
		s.sample = append(s.sample, n)
	}
	return s.sample
}

// connections acts on readable sockets, each only if it is still watched:
// what happened earlier in the turn may have ended that.
func (l *Loop) connections() {
	for _, fd := range l.ready.sockets {
		if l.cfg.PerConnection {
			l.acceptFrom(fd)
			continue
		}
		if l.sockets.watch == policy.WatchOff || l.postponed != nil && l.sockets.watch == policy.WatchOn {
			return // else it is a wake-up of which there is no second one
		}
		if l.isGone(fd) {
			continue
		}
		l.apply(l.policy.Connection(l.now, l.demand()))
	}
}

// demand is what the policy wants to know about a readable socket. With one
// birth at a time the depth does not matter, and is not read.
func (l *Loop) demand() int {
	if l.sockets.watch == policy.WatchOn && l.cfg.Policy.MaxStarting <= 1 {
		return 1
	}
	n, _ := l.sockets.waiting()
	return n
}
