package report

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/worker"
)

// Socket is the receiving end. It belongs to one goroutine.
type Socket struct {
	fd      int    // raw, non-blocking, close-on-exec; -1 after Close
	address string // as NOTIFY_SOCKET says it
	pidfs   bool   // inode numbers of pidfds are unique
	doubt   doubt
	inbox
}

// inbox is the memory of Receive, allocated once with the socket. The
// header points at the two buffers for as long as the socket lives.
type inbox struct {
	data    [worker.MaxReport]byte
	control [controlSize]byte
	iov     unix.Iovec
	msg     unix.Msghdr
	stat    unix.Stat_t
}

// FD returns the descriptor for an epoll set. It stays the socket's own.
func (s *Socket) FD() int { return s.fd }

// Address returns what NOTIFY_SOCKET must say: a path, or "@" and an
// abstract name.
func (s *Socket) Address() string { return s.address }

// Close closes the descriptor and leaves a path in place, as the same socket
// may live on in systemd's descriptor store. Take it out of every epoll set
// first. A second Close does nothing.
func (s *Socket) Close() error {
	if s.fd < 0 {
		return nil
	}
	fd := s.fd
	s.fd = -1
	return os.NewSyscallError("close", unix.Close(fd))
}

// Remove unlinks the socket's path, if it has one. A path that is gone
// already is fine.
func (s *Socket) Remove() error {
	if isAbstract(s.address) {
		return nil
	}
	if err := os.Remove(s.address); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove report socket: %w", err)
	}
	return nil
}

// Adopt makes a Socket of a bound datagram socket that came from elsewhere,
// such as the descriptor store. It owns fd from the call on: on error fd is
// closed. A socket whose path has been removed is refused with an error
// that is os.ErrNotExist, as no worker could reach it.
func Adopt(fd int) (*Socket, error) {
	s, err := adopt(fd)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("adopt report socket: %w", err)
	}
	return s, nil
}

func adopt(fd int) (*Socket, error) {
	address, err := boundTo(fd)
	if err != nil {
		return nil, err
	}
	if !isAbstract(address) {
		if _, err := os.Lstat(address); err != nil {
			return nil, err
		}
	}
	// The flags of an adopted descriptor are whatever they were.
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return newSocket(fd, address)
}

// boundTo returns the address of a Unix datagram socket, and an error for
// anything else.
func boundTo(fd int) (string, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return "", os.NewSyscallError("getsockopt", err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	name, ok := sa.(*unix.SockaddrUnix)
	// x/sys says "@" for a socket that is not bound.
	if !ok || kind != unix.SOCK_DGRAM || name.Name == "" || name.Name == "@" {
		return "", errors.New("not a bound Unix datagram socket")
	}
	return name.Name, nil
}

// newSocket asks for the senders' names. On error fd stays open.
func newSocket(fd int, address string) (*Socket, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	s := &Socket{fd: fd, address: address}
	// Linux 6.5 brought SO_PASSPIDFD and says ENOPROTOOPT before; without
	// it the pid has to do.
	switch err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSPIDFD, 1); {
	case err == nil:
		s.pidfs = hasPidfs()
	case !errors.Is(err, unix.ENOPROTOOPT) && !errors.Is(err, unix.EINVAL):
		return nil, os.NewSyscallError("setsockopt", err)
	}
	s.iov.Base = &s.data[0]
	s.iov.SetLen(len(s.data))
	s.msg.Iov = &s.iov
	s.msg.SetIovlen(1)
	s.msg.Control = &s.control[0]
	return s, nil
}

// hasPidfs reports whether pidfds have inode numbers of their own, as they
// have since Linux 6.9. Before, all of them share one.
func hasPidfs() bool {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var st unix.Statfs_t
	return unix.Fstatfs(fd, &st) == nil && int64(st.Type) == unix.PID_FS_MAGIC
}
