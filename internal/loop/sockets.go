package loop

import (
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file watches the listening sockets as the policy wishes, and reads how many
// connections wait in their queues. A turn calls connections for those that are ready,
// after Tick.

// sockets puts the listening sockets into the epoll set and takes them out, as
// the policy wishes.
type sockets struct {
	*core
	list  []Socket
	watch policy.Watch
	held  bool           // none is watched for now, whatever the wish
	in    []bool         // the set, by socket
	again policy.Instant // when those are tried again that could not be watched; 0 = there are none

	sample []int
	looked policy.Instant // when it was last found out how many wait at all of them; 0 = never
	found  int            // … so many
	seen   []int          // how many waited at each when it was last read
	moves  uint64         // how often fewer waited than before, so that some were accepted

	downs    downs
	untaken  untaken
	arrivals arrivals
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
		s.again = s.now + watchAgain
		if !told {
			s.unwatchable(sock, err)
		}
	}
}

func (s *sockets) unwatchable(sock Socket, err error) {
	s.say(event.SocketUnwatched, event.Socket(sock.Name), event.Cause(err))
}

// put makes the wish true for one socket. If that is refused, what was before is so still,
// and is what the next attempt begins with.
func (s *sockets) put(i int) (err error) {
	fd := s.list[i].FD
	wanted := s.watch != policy.WatchOff && !s.held && !s.isDown(i)
	switch {
	case s.in[i] && !wanted:
		err = s.epoll.remove(fd)
	case s.in[i]:
		err = s.epoll.modify(fd, interest(s.watch), kindSocket)
	case wanted:
		err = s.epoll.add(fd, interest(s.watch), kindSocket)
	}
	if err == nil {
		s.in[i] = wanted
	}
	return err
}

// tryAgain makes the wish true that could not be made before.
func (s *sockets) tryAgain() {
	if s.again > 0 && s.now >= s.again {
		s.set(s.watch)
	}
}

// hold ends a turn. While a start waits for others to be executed, or an upgrade for starts,
// connections are left to the kernel, whatever the wish.
func (s *sockets) hold(on bool) {
	if on != s.held {
		s.held = on
		s.set(s.watch)
	}
}

// waiting is the number of connections that nobody has accepted yet. A queue
// of unknown depth counts as 1 when it is readable.
func (s *sockets) waiting() (sum int, known bool) {
	known = true
	for i, sock := range s.list {
		if s.isDown(i) { // readable for ever, and empty
			continue
		}
		d := s.seams.Depth(sock.FD)
		switch {
		case d.Waiting >= 0:
			s.note(i, d.Waiting)
			sum += d.Waiting
		case d.Readable:
			sum++
			known = false
		default:
			known = false
		}
	}
	s.looked, s.found = s.now, sum
	return sum, known
}

// text is how many wait, for people.
func (s *sockets) text() string {
	n, known := s.waiting()
	if !known {
		return "?"
	}
	return strconv.Itoa(n)
}

// note books how many wait at a socket.
func (s *sockets) note(i, waiting int) {
	if s.seen == nil {
		s.seen = make([]int, len(s.list))
	}
	if waiting < s.seen[i] {
		s.moves++
	}
	s.seen[i] = waiting
}

// depths is the number of waiting connections for each socket. The slice is
// valid until the next call.
func (s *sockets) depths() []int {
	s.sample = s.sample[:0]
	for i, sock := range s.list {
		if s.isDown(i) {
			s.sample = append(s.sample, 0)
			continue
		}
		d := s.seams.Depth(sock.FD)
		n := max(d.Waiting, 0)
		s.note(i, n)
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
		if i := l.sockets.index(fd); i < 0 || l.sockets.isDown(i) {
			continue
		}
		if l.cfg.PerConnection {
			l.clients.acceptFrom(fd)
			continue
		}
		if l.sockets.watch == policy.WatchOff || l.starts.postponed != nil && l.sockets.watch == policy.WatchOn {
			return // else it is a wake-up of which there is no second one
		}
		if l.board.isTaken(fd) {
			continue
		}
		l.apply(l.policy.Connection(l.now, l.sockets.demand()))
		l.load.clientWaits()
		l.queueWait.clientWaits()
	}
}

// index is the place of a socket in the list, -1 = it is not there.
func (s *sockets) index(fd int) int {
	return slices.IndexFunc(s.list, func(sock Socket) bool { return sock.FD == fd })
}

// demand is what the policy wants to know about a readable socket. With one
// start at a time the depth does not matter, and is not read.
func (s *sockets) demand() int {
	if s.watch == policy.WatchOn && s.cfg.Policy.MaxStarting <= 1 && !s.cfg.Policy.AsleepApart {
		return 1
	}
	n, _ := s.waiting()
	return n
}
