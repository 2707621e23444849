// Package template speaks with a template: a process that has loaded what takes long,
// and forks a worker whenever it is asked to. It owns the socket pair on which that is
// done, the words of the packets, and who has sent one by the kernel.
//
// It starts no process and decides nothing: whether a sender may say what it says is for
// the caller to judge. docs/template.md has the contract for those who write a template.
//
// What comes from the other side is not trusted. The template, its children, and every
// worker that has kept its copy of the descriptor can write there what they like, and
// as much. A packet is read into a buffer of fixed size, nothing is allocated by what it
// says but a reason of at most 256 bytes, and descriptors that come along are refused or
// closed elsewhere.
//
// # Diagnostics
//
// Errors go to the caller. A packet that makes no sense is a [Message] of the kind
// [Malformed], and no error.
package template

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// EnvFD names the variable that holds the template's end of the pair, EnvPID the one that
// holds the template's own pid. The latter is for availd, which finds by it who was forked
// by which template; workers leave both alone or remove them.
//
// EnvFork names the variable that holds the path of a shared object whose function
// availd_fork forks a worker by one copy of the template in place of two. It is missing where
// there is no such object.
const (
	EnvFD   = "AVAILD_TEMPLATE_FD"
	EnvPID  = "AVAILD_TEMPLATE_PID"
	EnvFork = "AVAILD_TEMPLATE_FORK"
)

// Errors of [Channel.Receive] and [Channel.Send].
var (
	// ErrEmpty: no packet waits.
	ErrEmpty = errors.New("template: no packet waits")
	// ErrClosed: nobody has the other end any more, and all packets were read.
	ErrClosed = errors.New("template: the other end is closed")
	// ErrFull: the other side does not read; the order may be sent later.
	ErrFull = errors.New("template: the other side does not read")
)

// Channel is availd's end of the pair. It belongs to one goroutine. No function of it
// waits for the other side.
type Channel struct {
	fd      int
	order   []byte
	data    [MaxPacket + 1]byte // one more, so that a packet that is too long is noticed
	control [controlSize]byte
	iov     unix.Iovec
	msg     unix.Msghdr
}

// Open makes a pair. theirs is for the template, and the caller's; it waits for packets
// as a program expects of a descriptor. On error nothing stays open.
func Open() (c *Channel, theirs int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, -1, os.NewSyscallError("socketpair", err)
	}
	c, err = Adopt(pair[0])
	if err != nil {
		_ = unix.Close(pair[1])
		return nil, -1, err
	}
	return c, pair[1], nil
}

// Adopt makes a Channel of our end of a pair, which an earlier availd has made. It takes
// fd over, also on error, when it is closed.
func Adopt(fd int) (*Channel, error) {
	if err := prepare(fd); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("prepare the channel of a template: %w", err)
	}
	c := &Channel{fd: fd}
	c.iov.Base = &c.data[0]
	c.iov.SetLen(len(c.data))
	c.msg.Iov = &c.iov
	c.msg.SetIovlen(1)
	c.msg.Control = &c.control[0]
	return c, nil
}

// prepare asks for the names of senders, and for no descriptors of theirs.
func prepare(fd int) error {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if kind != unix.SOCK_SEQPACKET {
		return errors.New("not a socket of packets in sequence")
	}
	unix.CloseOnExec(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := nowait.RefuseDescriptors(fd); err != nil {
		return err
	}
	// Linux 6.5; without it the pid has to do, which is that of a child that nobody else
	// collects.
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSPIDFD, 1)
	if errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EINVAL) {
		err = nil
	}
	return os.NewSyscallError("setsockopt", err)
}

// FD is the descriptor, for an epoll set and for whoever keeps it. It stays c's.
func (c *Channel) FD() int { return c.fd }

// Send asks for a worker. [ErrFull]: not now. Any other error: never again.
func (c *Channel) Send(o Order) error {
	c.order = o.Append(c.order[:0])
	for {
		err := unix.Sendto(c.fd, c.order, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			return ErrFull
		default:
			return os.NewSyscallError("sendmsg", err)
		}
	}
}

// EndOrders tells the template that no order will come: it reads an end-of-file after
// those that were sent. What it and its workers say is received as before.
func (c *Channel) EndOrders() { _ = unix.Shutdown(c.fd, unix.SHUT_WR) }

// Disown gives the descriptor to the caller. c must not be used any more.
func (c *Channel) Disown() int {
	fd := c.fd
	c.fd = -1
	return fd
}

// Receive reads one packet into m, overwriting all of it. m.PIDFD is the caller's. With
// nothing to read the error is [ErrEmpty], or [ErrClosed].
func (c *Channel) Receive(m *Message) error {
	*m = Message{PIDFD: -1}
	n, err := c.recvmsg()
	if err != nil {
		return err
	}
	known := c.readControl(m)
	if n == 0 && !known { // an empty packet has credentials, the end has none
		return ErrClosed
	}
	if n <= MaxPacket && c.msg.Flags&unix.MSG_TRUNC == 0 {
		Parse(c.data[:n], m)
	}
	return nil
}

func (c *Channel) recvmsg() (int, error) {
	for {
		c.msg.SetControllen(len(c.control))
		c.msg.Flags = 0
		n, err := nowait.Recvmsg(c.fd, &c.msg, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return 0, ErrEmpty
		case errors.Is(err, unix.ECONNRESET): // it was closed with orders that nobody has read
			return 0, ErrClosed
		default:
			return 0, os.NewSyscallError("recvmsg", err)
		}
	}
}

// controlSize has room for the credentials, a pidfd, and as many descriptors as one
// message may carry (SCM_MAX_FD, unix(7)), which kernels before 6.16 do not refuse.
const (
	headerSize  = 16
	maxFDs      = 253
	controlSize = (headerSize + 16) + (headerSize + 8) + (headerSize + (4*maxFDs+7)/8*8)
)

// readControl takes the sender from the control messages, and reports whether there were
// credentials.
func (c *Channel) readControl(m *Message) (known bool) {
	b := c.control[:c.msg.Controllen]
	for len(b) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return known
		}
		b = rest
		if h.Level != unix.SOL_SOCKET {
			continue
		}
		switch h.Type {
		case unix.SCM_CREDENTIALS:
			if len(data) >= unix.SizeofUcred {
				known = true
				m.PID = int(int32(binary.NativeEndian.Uint32(data)))
				m.UID = binary.NativeEndian.Uint32(data[4:])
			}
		case unix.SCM_PIDFD: // a negative number is an error
			if len(data) >= 4 {
				m.PIDFD = max(-1, int(int32(binary.NativeEndian.Uint32(data))))
			}
		case unix.SCM_RIGHTS:
			for ; len(data) >= 4; data = data[4:] {
				if fd := int(int32(binary.NativeEndian.Uint32(data))); fd >= 0 {
					nowait.CloseElsewhere(fd)
				}
			}
		}
	}
	return known
}
