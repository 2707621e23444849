// Package accept takes one connection off a listening socket of availd's own,
// and says where it comes from. It is for workers that are born with their
// connection (inetd); all others accept themselves.
//
// # Diagnostics
//
// [ErrNone] says that nobody waits. Every other error is the system's: out of
// descriptors or memory, most of the time. The connection waits on then.
package accept

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrNone says that no connection waits (any more).
var ErrNone = errors.New("accept: no connection waits")

// Conn is an accepted connection. FD is blocking and close-on-exec, and belongs
// to the caller.
type Conn struct {
	FD int
	// Address and Port are the peer's, as systemd puts them into REMOTE_ADDR
	// and REMOTE_PORT; "" where it has none.
	Address, Port string
	// Source is what counts as one client: an IPv4 address (also one that is
	// mapped into IPv6), the /64 of an IPv6 address, a user of this host.
	Source string
}

// tries bounds the connections that are passed over because of an error of their
// own: a filter of system calls may answer every call with one of those.
const tries = 32

// Accept takes the next connection. The listener must be non-blocking: somebody
// else may have been faster, or the client may have left.
func Accept(listener int) (Conn, error) {
	if !waits(listener) { // or nothing need be looked for
		return Conn{}, ErrNone
	}
	if err := room(listener); err != nil {
		return Conn{}, err
	}
	var err error
	for range tries {
		var fd int
		var peer unix.Sockaddr
		fd, peer, err = unix.Accept4(listener, unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			return describe(fd, peer), nil
		case errors.Is(err, unix.EAGAIN):
			return Conn{}, ErrNone
		case !transient(err): // else the client's trouble: accept(2) says to try the next
			return Conn{}, os.NewSyscallError("accept4", err)
		}
	}
	return Conn{}, os.NewSyscallError("accept4", err)
}

// waits reports whether a connection does. What poll(2) cannot tell, accept will.
func waits(listener int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}, 0)
	return n != 0 || err != nil
}

// birth is how many descriptors it takes to accept a connection and to start its
// process: the connection, both ends of the pipe that tells of a failed exec,
// /dev/null and the pidfd.
const birth = 5

// room reports an error (EMFILE) unless so many descriptors are left. A
// connection that was accepted without it could only be closed; one that waits
// is served when another has ended.
func room(listener int) error {
	var taken [birth]int
	for i := range taken {
		fd, err := unix.FcntlInt(uintptr(listener), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			closeAll(taken[:i])
			return fmt.Errorf("no descriptors are left for a connection, raise LimitNOFILE=: %w", err)
		}
		taken[i] = fd
	}
	closeAll(taken[:])
	return nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// transient are errors of the one connection, which Linux passes on in accept.
func transient(err error) bool {
	for _, e := range []error{
		unix.EINTR, unix.ECONNABORTED, unix.ENETDOWN, unix.EPROTO, unix.ENOPROTOOPT, unix.EHOSTDOWN,
		unix.ENONET, unix.EHOSTUNREACH, unix.EOPNOTSUPP, unix.ENETUNREACH, unix.EPERM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
