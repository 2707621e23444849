package loop

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// sockets puts the listening sockets into the epoll set and takes them out, as
// the policy wishes.
type sockets struct {
	loop  *Loop
	list  []Socket
	watch policy.Watch

	sample []int
}

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
	was := s.watch
	s.watch = w
	for _, sock := range s.list {
		var err error
		switch {
		case w == policy.WatchOff:
			err = s.loop.epoll.remove(sock.FD)
		case was == policy.WatchOff:
			err = s.loop.epoll.add(sock.FD, interest(w), kindSocket)
		default:
			err = s.loop.epoll.modify(sock.FD, interest(w), kindSocket)
		}
		if err != nil {
			s.loop.say(eventInternal, levelError,
				"socket "+sock.Name+" cannot be watched ("+err.Error()+"): its connections start no workers; restart the service",
				"socket", sock.Name)
		}
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
		if l.sockets.watch == policy.WatchOff || l.postponed != nil {
			return
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
