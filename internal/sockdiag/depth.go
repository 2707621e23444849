package sockdiag

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// Depth is what waits on one descriptor.
type Depth struct {
	Waiting  int  // connections not yet accepted; -1 = unknown
	Limit    int  // at most so many wait; -1 = unknown
	Readable bool // at least one thing waits: by Waiting, or by poll where that is unknown
}

// Reader reads accept queues. TCP and MPTCP listeners say so in TCP_INFO (tcp(7)); Unix
// listeners are looked up by inode (UDIAG_SHOW_RQLEN of sock_diag(7)). Everything else,
// such as datagram sockets, FIFOs, VSOCK, and Unix sockets of another network namespace,
// has no number, only poll(2): something waits or not.
//
// It keeps one netlink socket, opened when first needed and again after an error, and
// buffers, so that a reading allocates nothing. It belongs to one goroutine.
type Reader struct {
	diag *Conn
	info unix.TCPInfo
	stat unix.Stat_t
	poll [1]unix.PollFd
	why  error
}

// NewReader returns a Reader that has asked nothing yet.
func NewReader() *Reader { return &Reader{diag: New()} }

// Close closes the netlink socket. The Reader may be used again.
func (r *Reader) Close() error { return r.diag.Close() }

// Unavailable returns why the last Unix listener's depth was unknown, or nil.
func (r *Reader) Unavailable() error { return r.why }

// Depth returns what waits on fd, any descriptor work arrives on. The
// descriptor stays as it is and the caller's. An error means that fd cannot
// be polled; all in Depth is unknown then.
func (r *Reader) Depth(fd int) (Depth, error) {
	waiting, limit, ok := r.queue(fd)
	if ok {
		return Depth{Waiting: waiting, Limit: limit, Readable: waiting > 0}, nil
	}
	readable, err := r.readable(fd)
	if err != nil {
		return Depth{Waiting: -1, Limit: -1}, fmt.Errorf("poll socket: %w", err)
	}
	return Depth{Waiting: -1, Limit: -1, Readable: readable}, nil
}

// Waiting is Depth for who has no use for an error: all is unknown then.
func (r *Reader) Waiting(fd int) Depth {
	d, _ := r.Depth(fd)
	return d
}

// queue asks the one who knows, if anybody does. Options are read each time
// rather than kept by descriptor: numbers are reused, and a system call that
// only reads a field costs less than the care.
func (r *Reader) queue(fd int) (waiting, limit int, ok bool) {
	listens, err := option(fd, unix.SO_ACCEPTCONN)
	if err != nil || listens == 0 {
		return 0, 0, false
	}
	switch family, err := option(fd, unix.SO_DOMAIN); {
	case err != nil:
		return 0, 0, false
	case family == unix.AF_INET, family == unix.AF_INET6:
		return r.tcp(fd)
	case family == unix.AF_UNIX:
		return r.unix(fd)
	}
	return 0, 0, false
}

func option(fd, name int) (int, error) {
	var value int32
	_, err := nowait.Option(fd, unix.SOL_SOCKET, name, &value)
	return int(value), err
}

// unix finds the socket by its inode number, which is fstat's.
func (r *Reader) unix(fd int) (waiting, limit int, ok bool) {
	if r.why = nowait.Stat(fd, &r.stat); r.why != nil {
		return 0, 0, false
	}
	waiting, limit, r.why = r.diag.Queue(uint32(r.stat.Ino))
	return waiting, limit, r.why == nil
}

// readable polls without waiting. A signal interrupts even that, once nothing was
// found (fs/select.c of Linux).
func (r *Reader) readable(fd int) (bool, error) {
	r.poll[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	if _, err := nowait.Poll(r.poll[:]); err != nil && !errors.Is(err, unix.EINTR) {
		return false, os.NewSyscallError("poll", err)
	}
	if r.poll[0].Revents&unix.POLLNVAL != 0 || fd < 0 {
		return false, os.NewSyscallError("poll", unix.EBADF)
	}
	return r.poll[0].Revents&unix.POLLIN != 0, nil
}
