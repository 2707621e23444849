package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// This file notices listening sockets at which clients are refused, and has them listen
// again. A turn calls findDown before it acts on connections; the outcome of an attempt and
// what others find of a path come through the inbox.
//
// A listening socket is shared with every worker, and each of them can end its
// listening: shutdown(2), which some programs call on SIGTERM, and connect(2) with
// AF_UNSPEC do. From then on the kernel refuses all clients, also while the pool is idle
// and its sockets are not watched. So a second epoll set has all listening sockets
// always. It asks for no event, so that a connection wakes nobody; a hang-up is reported
// in any case (epoll_ctl(2)), and once, as the set is edge-triggered.
//
// A socket that is down is taken out of the first set, where it would be ready for ever,
// and counts as empty. What can be made to listen again is: by another goroutine, as
// listen(2) waits for the lock of the socket, which other holders take, too.

// downs are the listening sockets and what is wrong with them.
type downs struct {
	set   *epoll
	list  []down         // by socket
	retry policy.Instant // next attempt to listen again; 0 = there is none
	// leaving says that the service drains because of a socket, and not by a signal.
	leaving bool
}

// down is one socket.
type down struct {
	fault  string // one of package status; "" = it is in order
	most   int    // how many connections could wait; -1 = not known
	trying bool   // to listen again, just now
	said   bool   // that it could not
	why    error  // it could not
	asked  bool   // the service manager, for another socket
	before bool   // it was shut down before this process began
}

// listenAgain is the time between two attempts: something else may have the address.
const listenAgain = time.Second

// listened is the outcome of an attempt.
type listened struct {
	socket  int
	another bool // a new socket has the number of the old one, which workers still have
	err     error
}

// openDowns watches for the end of all listening.
func (s *sockets) openDowns() (err error) {
	d := &s.downs
	d.list = make([]down, len(s.list))
	if d.set, err = newEpoll(); err != nil {
		return err
	}
	for i, sock := range s.list {
		d.list[i].most, d.list[i].before = s.seams.Depth(sock.FD).Limit, sock.Listens && refuses(sock.FD)
		if sock.Listens {
			if err := d.set.add(sock.FD, unix.EPOLLET, kindDown); err != nil {
				return err
			}
		}
	}
	return s.epoll.add(d.set.fd, unix.EPOLLIN, kindDown)
}

// findDown acts on the sockets whose state has changed, and on those whose next attempt
// is due.
func (s *sockets) findDown(ready bool) {
	if ready {
		found, _ := s.downs.set.look() // what is left comes in the next turn
		for _, ev := range found {
			if i := s.index(int(ev.Fd)); i >= 0 {
				s.checkDown(i)
			}
		}
	}
	if s.downs.retry > 0 && s.now >= s.downs.retry {
		s.downs.retry = 0
		for i := range s.downs.list {
			if s.downs.list[i].fault == status.NotListening {
				s.listenAgain(i)
			}
		}
	}
}

// checkDown finds out whether a socket has ceased to listen.
func (s *sockets) checkDown(i int) {
	d := &s.downs.list[i]
	if d.fault == status.NotListening || !refuses(s.list[i].FD) {
		return
	}
	d.fault, d.said = status.NotListening, false
	s.set(s.watch) // out of the set
	s.listenAgain(i)
}

// refuses reports whether nobody can connect to a listening socket any more.
func refuses(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd)}}
	_, _ = nowait.Poll(fds)
	return fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}

// listenAgain has a socket made to listen again.
func (s *sockets) listenAgain(i int) {
	d := &s.downs.list[i]
	if d.trying {
		return
	}
	d.trying = true
	fd := s.list[i].FD
	// A new socket may get the number, and the old one lives on where workers have it: its
	// registration could not be removed any more.
	_ = s.downs.set.remove(fd)
	s.forgetUntaken(fd)
	s.forgetArrivals(fd)
	s.seams.Listen(fd, d.most, func(another bool, err error) {
		s.post(request{listened: &listened{i, another, err}})
	})
}

// listened acts on the outcome of an attempt, and reports whether workers have another
// socket than clients come to now. A success may be over already.
func (s *sockets) listened(o listened) (another bool) {
	sock, d := s.list[o.socket], &s.downs.list[o.socket]
	d.trying = false
	if d.fault != status.NotListening {
		return false
	}
	if o.err == nil {
		d.fault = ""
		if err := s.downs.set.add(sock.FD, unix.EPOLLET, kindDown); err != nil {
			s.unwatchable(sock, err)
		}
		s.set(s.watch)
		s.say(event.SocketAgain, event.Socket(sock.Name), event.Address(sock.Address))
		s.checkDown(o.socket)
		return o.another
	}
	s.downs.retry = s.now + listenAgain
	if d.said {
		return false
	}
	d.said, d.why = true, o.err
	s.replace(o.socket)
	return false
}

// fault is what is wrong with a socket; nil = nothing.
func (s *sockets) fault(i int) *string {
	if i >= len(s.downs.list) || s.downs.list[i].fault == "" {
		return nil
	}
	fault := s.downs.list[i].fault // a copy: others read it while the loop goes on
	return &fault
}

// isDown reports whether nobody can come by a socket.
func (s *sockets) isDown(i int) bool { return s.fault(i) != nil && *s.fault(i) == status.NotListening }

// downText names the sockets that are out of order, for one line.
func (s *sockets) downText() string {
	text := ""
	for i, sock := range s.list {
		if fault := s.fault(i); fault != nil {
			text += " | SOCKET " + sock.Name + " " + status.FaultText(*fault)
		}
	}
	return text
}

// pathState is whether the path of a socket is gone.
type pathState struct {
	socket int
	gone   bool
}

// PathGone tells that the path of a socket is gone, or is there again. It may be called
// from any goroutine, and does not wait.
func (l *Loop) PathGone(socket int, gone bool) {
	select {
	case l.inbox <- request{path: &pathState{socket, gone}}:
		l.wake.wake()
	default: // whoever asks next tells it
	}
}

func (s *sockets) pathGone(p pathState) {
	d := &s.downs.list[p.socket]
	switch {
	case p.gone && d.fault == "":
		d.fault = status.PathGone
		s.replace(p.socket)
	case !p.gone && d.fault == status.PathGone:
		d.fault = ""
	}
}
