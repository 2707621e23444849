package notify

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Notifier is the way to the service manager.
type Notifier struct {
	fd   int // connected, non-blocking, close-on-exec
	peer *unix.SockaddrUnix

	queue  []message // what waits, oldest first
	status *string   // the newest STATUS= text that waits; goes after the queue
}

// New connects to address, the value of NOTIFY_SOCKET: an absolute path or
// "@" and an abstract name. An empty address gives a nil Notifier. The
// vsock: addresses of virtual machines are not for services and refused.
func New(address string) (*Notifier, error) {
	if address == "" {
		return nil, nil
	}
	if address[0] != '/' && address[0] != '@' {
		return nil, fmt.Errorf("connect to NOTIFY_SOCKET=%q: neither a path nor an abstract name", address)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	n := &Notifier{fd: fd, peer: &unix.SockaddrUnix{Name: address}}
	if err := unix.Connect(fd, n.peer); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("connect to NOTIFY_SOCKET=%q: %w", address, os.NewSyscallError("connect", err))
	}
	return n, nil
}

// Pending reports whether something waits to be sent.
func (n *Notifier) Pending() bool {
	return n != nil && (len(n.queue) > 0 || n.status != nil)
}

// Close closes the socket and drops what waits, descriptors included.
func (n *Notifier) Close() error {
	if n == nil || n.fd < 0 {
		return nil
	}
	for _, m := range n.queue {
		m.release()
	}
	n.queue, n.status = nil, nil
	fd := n.fd
	n.fd = -1
	return os.NewSyscallError("close", unix.Close(fd))
}

// transmit sends one datagram now or not at all. When nobody is at the other
// end of the connection, the manager may have a new socket at the same
// address: once per message that is tried.
func (n *Notifier) transmit(state string, fds []int) error {
	err := n.sendmsg(state, fds)
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOTCONN) || errors.Is(err, unix.ECONNRESET) {
		if err := unix.Connect(n.fd, n.peer); err != nil {
			return os.NewSyscallError("connect", err)
		}
		err = n.sendmsg(state, fds)
	}
	return os.NewSyscallError("sendmsg", err)
}

func (n *Notifier) sendmsg(state string, fds []int) error {
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	for {
		_, err := unix.SendmsgN(n.fd, []byte(state), rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}

// later reports whether an error passes by itself: the receiver's queue is
// full, memory is short, or too many descriptors are in flight (unix(7)).
func later(err error) bool {
	return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) ||
		errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.ETOOMANYREFS)
}
