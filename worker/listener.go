package worker

import (
	"net"
	"sync"
)

// A Listener is one listening socket that this process shares with others. It
// is a [net.Listener] that leaves the flags of the shared description alone.
type Listener struct {
	socket *socket
	waiter *waiter

	mu     sync.Mutex // guards what follows
	users  int        // goroutines inside Accept
	closed bool
}

var _ net.Listener = (*Listener)(nil)

// newListener returns a listener that owns s from forget on.
func newListener(s *socket) (*Listener, error) {
	w, err := newWaiter(s.fd)
	if err != nil {
		return nil, s.error(err)
	}
	return &Listener{socket: s, waiter: w}, nil
}

// Name returns the FileDescriptorName= of the socket unit, which by default is
// the name of the unit, or "" when none was given.
func (l *Listener) Name() string { return l.socket.name }

// Addr returns the address the socket is bound to.
func (l *Listener) Addr() net.Addr { return l.socket.addr }

// Accept waits for a connection and returns it. It does not report anything:
// call [Busy] next. After [Listener.Close] the error is [net.ErrClosed].
func (l *Listener) Accept() (net.Conn, error) {
	if !l.enter() {
		return nil, l.socket.error(net.ErrClosed)
	}
	defer l.leave()
	for {
		ready, err := l.waiter.wait()
		if err != nil {
			return nil, l.socket.error(err)
		}
		if ready < 0 {
			return nil, l.socket.error(net.ErrClosed)
		}
		fd, err := l.socket.accept()
		if err != nil {
			return nil, err
		}
		if fd >= 0 {
			return l.socket.connection(fd)
		}
	}
}

// Close ends the Accept calls that wait and closes this process's copy of the
// socket, once the last of them is back. It does not wait for them: on a
// blocking socket one may be inside accept4(2), and what it brings home is
// still returned. Connections in the queue stay there for the other workers.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.socket.error(net.ErrClosed)
	}
	l.closed = true
	l.waiter.end()
	if l.users == 0 {
		l.release()
	}
	return nil
}

// enter counts a caller of Accept, unless the listener is closed.
func (l *Listener) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.users++
	return true
}

func (l *Listener) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users--
	if l.closed && l.users == 0 {
		l.release()
	}
}

// release is only for the last user: a number that is closed while another
// goroutine waits for it may be a different file by the time it wakes up.
func (l *Listener) release() {
	l.waiter.close()
	l.socket.close()
}
