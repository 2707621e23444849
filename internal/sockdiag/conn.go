// Package sockdiag asks the kernel about sockets.
//
// [Conn] asks over NETLINK_SOCK_DIAG (sock_diag(7)): the accept queue and the name of a
// Unix socket, found by its inode number, and the connections of a local TCP port.
// [Reader] tells how many connections wait in the accept queue of a listening socket,
// without taking any, and [Drops] how many the kernel has dropped there.
//
// The kernel answers within the system calls that ask, so nothing here waits, but for
// [Conn.Port], which says for what. Nothing watches a socket either: a depth is read by
// whoever has a reason to.
// None of it needs a privilege; all of it is about the caller's own network
// namespace.
//
// # Diagnostics
//
// [ErrNotThere] is a socket that the kernel does not know here; any other error
// means that it cannot be asked, such as where RestrictAddressFamilies= leaves
// out AF_NETLINK (systemd.exec(5)). A depth that cannot be had is -1 and never 0, and is
// no error; [Reader.Unavailable] says why, for one line in a log.
//
// # Bugs
//
// Under PrivateNetwork=, or where RestrictAddressFamilies= leaves out AF_NETLINK, the
// depth of Unix sockets is unknown.
package sockdiag

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// ErrNotThere says that the kernel knows no such Unix socket here.
var ErrNotThere = errors.New("sockdiag: the socket is of another network namespace, or the kernel has no unix_diag")

var errStrange = errors.New("sockdiag: answer is not to the question")

const attempts = 2 // the second one with a fresh socket

// Conn asks. It keeps one netlink socket, opened when first needed and again
// after an error, and buffers, so that a question allocates nothing. It belongs
// to one goroutine.
type Conn struct {
	fd       int // netlink socket, -1 = not open
	sequence uint32
	request  [128]byte
	answer   [16384]byte // at least what the kernel fills in one part of a long answer
}

// New returns a Conn that has asked nothing yet.
func New() *Conn { return &Conn{fd: -1} }

// Close closes the netlink socket. The Conn may be used again.
func (c *Conn) Close() error {
	if c.fd < 0 {
		return nil
	}
	fd := c.fd
	c.fd = -1
	return os.NewSyscallError("close", unix.Close(fd))
}

// ask sends the first size bytes of the request and hands the payload of each
// message of the answer over.
func (c *Conn) ask(size int, each func([]byte) error) error {
	var err error
	for range attempts {
		if err = c.try(size, each); err == nil || errors.Is(err, ErrNotThere) {
			return err
		}
		_ = c.Close()
	}
	return fmt.Errorf("ask sock_diag: %w", err)
}

func (c *Conn) try(size int, each func([]byte) error) error {
	if err := c.open(); err != nil {
		return err
	}
	c.sequence++
	b, order := c.request[:], binary.NativeEndian
	order.PutUint32(b[0:], uint32(size))
	order.PutUint16(b[4:], unix.SOCK_DIAG_BY_FAMILY)
	order.PutUint32(b[8:], c.sequence)
	if err := c.send(size); err != nil {
		return os.NewSyscallError("send", err)
	}
	for {
		n, err := c.receive()
		if err != nil {
			return os.NewSyscallError("read", err)
		}
		if more, err := c.messages(c.answer[:n], each); err != nil || !more {
			return err
		}
	}
}

// open connects a netlink socket, to the kernel: address 0 is its default.
func (c *Conn) open() error {
	if c.fd >= 0 {
		return nil
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	c.fd = fd
	return nil
}

// send and receive are not interrupted, as they do not wait; the loops are
// for kernels that think otherwise.
func (c *Conn) send(size int) error {
	for {
		_, err := nowait.Write(c.fd, c.request[:size])
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (c *Conn) receive() (int, error) {
	for {
		n, err := nowait.Read(c.fd, c.answer[:])
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// messages reads one part of an answer; more says that it is not the last.
func (c *Conn) messages(b []byte, each func([]byte) error) (more bool, err error) {
	order := binary.NativeEndian
	for len(b) >= unix.SizeofNlMsghdr+4 {
		size := min(int(order.Uint32(b)), len(b))
		if order.Uint32(b[8:]) != c.sequence || size < unix.SizeofNlMsghdr+4 {
			return false, errStrange
		}
		more = order.Uint16(b[6:])&unix.NLM_F_MULTI != 0
		payload := b[unix.SizeofNlMsghdr:size]
		switch order.Uint16(b[4:]) {
		case unix.NLMSG_DONE: // of a list, which may have failed half way or at once
			if errno := -int32(order.Uint32(payload)); errno > 0 {
				return false, refusal(unix.Errno(errno))
			}
			return false, nil
		case unix.NLMSG_ERROR:
			return false, refusal(unix.Errno(-int32(order.Uint32(payload))))
		case unix.SOCK_DIAG_BY_FAMILY:
			if err := each(payload); err != nil {
				return false, err
			}
		default:
			return false, errStrange
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	if len(b) > 0 {
		return false, errStrange
	}
	return more, nil
}

func refusal(errno unix.Errno) error {
	if errno == unix.ENOENT {
		return ErrNotThere
	}
	return errno
}
