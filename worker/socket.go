package worker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// A socket is a listening socket that this process shares with others.
type socket struct {
	fd   int
	name string
	addr net.Addr
}

var errNotListening = errors.New("not a listening socket: a datagram socket, a FIFO or a single connection (Accept=yes) has nothing to accept")

// newSocket checks that fd is a listening socket. It stays the caller's until
// somebody closes the socket, and is not changed.
func newSocket(fd int, name string) (*socket, error) {
	accepting, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	if err == syscall.ENOTSOCK || err == nil && accepting == 0 {
		return nil, fmt.Errorf("take descriptor %d %q: %w", fd, name, errNotListening)
	}
	if err != nil {
		return nil, fmt.Errorf("take descriptor %d %q: %w", fd, name, os.NewSyscallError("getsockopt", err))
	}
	local, err := syscall.Getsockname(fd)
	if err != nil {
		return nil, fmt.Errorf("take descriptor %d %q: %w", fd, name, os.NewSyscallError("getsockname", err))
	}
	return &socket{fd: fd, name: name, addr: address(fd, local)}, nil
}

// accept takes one connection from the queue. It returns -1 without an error
// when there is none after all: another worker was faster, or the client has
// gone. The descriptor is the caller's.
func (s *socket) accept() (int, error) {
	fd := -1
	err := eintr(func() (err error) {
		fd, _, err = syscall.Accept4(s.fd, syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
		return err
	})
	switch {
	case err == nil:
		return fd, nil
	case transient(err):
		return -1, nil
	}
	return -1, s.error(os.NewSyscallError("accept4", err))
}

// transient reports whether err says something about one connection and not
// about this process. Linux passes errors of the new connection's network on
// through accept(2), whose page has the list and says to go on as with EAGAIN.
func transient(err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case syscall.EAGAIN, syscall.ECONNABORTED,
		syscall.ENETDOWN, syscall.EPROTO, syscall.ENOPROTOOPT, syscall.EHOSTDOWN,
		syscall.ENONET, syscall.EHOSTUNREACH, syscall.EOPNOTSUPP, syscall.ENETUNREACH:
		return true
	}
	return false
}

// connection makes a net.Conn of an accepted descriptor, which it owns, also
// on error. net.FileConn duplicates it; O_NONBLOCK is no harm here, as nobody
// else has the description of a new connection.
func (s *socket) connection(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, s.error(err)
	}
	return conn, nil
}

// close gives up this process's copy. The others keep theirs, and connections
// in the queue stay there.
func (s *socket) close() { syscall.Close(s.fd) }

func (s *socket) error(err error) error {
	return &net.OpError{Op: "accept", Net: s.addr.Network(), Addr: s.addr, Err: err}
}
