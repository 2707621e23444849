package report

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/worker"
)

// Socket is the receiving end. It belongs to one goroutine.
type Socket struct {
	fd      int    // raw, non-blocking, close-on-exec; -1 after Close
	address string // as NOTIFY_SOCKET says it
	file    sockdiag.File
	pidfds  bool // the kernel has them for senders (Linux 6.5)
	pidfs   bool // inode numbers of pidfds are unique
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

// Queue is how many datagrams the socket holds before their senders wait:
// net.unix.max_dgram_qlen of the time in which it was made, which the kernel does not
// tell of a socket. Where it cannot be read it is the kernel's own default.
func Queue() int {
	const initial = 10
	text, err := os.ReadFile("/proc/sys/net/unix/max_dgram_qlen")
	if err != nil {
		return initial
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < 1 {
		return initial
	}
	return n
}

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

// Remove unlinks the socket's path, if it has one. A path that is gone already, or
// another socket's by now, is fine.
func (s *Socket) Remove() error {
	if err := s.file.Remove(); err != nil {
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
	var file sockdiag.File
	if !isAbstract(address) {
		if _, err := os.Lstat(address); err != nil {
			return nil, err
		}
		if file = sockdiag.FileOf(fd, address); file == (sockdiag.File{}) {
			return nil, errReplaced
		}
	}
	// The flags of an adopted descriptor are whatever they were.
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	s, err := newSocket(fd, address)
	if err == nil {
		s.file = file
	}
	return s, err
}

// errReplaced is of a socket that nobody can reach, as its path leads to another one.
var errReplaced = errors.New("another socket has its path")

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
	if err := refuseDescriptors(fd); err != nil {
		return nil, err
	}
	// Reports are read some at a time, so when one was sent tells more than when it is
	// read. A kernel that does not know it sends no time.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	// Linux 6.5 brought SO_PASSPIDFD and says ENOPROTOOPT before; without
	// it the pid has to do.
	switch err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSPIDFD, 1); {
	case err == nil:
		s.pidfds, s.pidfs = true, hasPidfs()
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

// refuseDescriptors is a variable for the tests of kernels that cannot. Such a kernel
// passes them on: see readControl.
var refuseDescriptors = nowait.RefuseDescriptors

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
