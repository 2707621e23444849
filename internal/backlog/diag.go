package backlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Constants and layouts of <linux/unix_diag.h>, which x/sys does not have.
const (
	showRQLen = 0x10 // UDIAG_SHOW_RQLEN
	attrRQLen = 4    // UNIX_DIAG_RQLEN: struct unix_diag_rqlen {rqueue, wqueue}

	requestSize = unix.SizeofNlMsghdr + 24 // struct unix_diag_req
	messageSize = 16                       // struct unix_diag_msg
	attrHeader  = 4                        // struct nlattr

	attempts = 2 // the second one with a fresh socket
)

// diag asks for Unix sockets by inode. The kernel answers sock_diag within
// sendto, so that reading never waits: an answer that is not there is an
// error.
type diag struct {
	fd       int // netlink socket, -1 = not open
	sequence uint32
	request  [requestSize]byte
	answer   [512]byte
}

func (d *diag) close() error {
	if d.fd < 0 {
		return nil
	}
	fd := d.fd
	d.fd = -1
	return os.NewSyscallError("close", unix.Close(fd))
}

// queue returns the length of a Unix listener's accept queue and its limit.
func (d *diag) queue(inode uint32) (waiting, limit int, err error) {
	for range attempts {
		waiting, limit, err = d.try(inode)
		if err == nil || errors.Is(err, errNotThere) {
			return waiting, limit, err
		}
		_ = d.close()
	}
	return 0, 0, fmt.Errorf("ask sock_diag: %w", err)
}

func (d *diag) try(inode uint32) (waiting, limit int, err error) {
	if err := d.open(); err != nil {
		return 0, 0, err
	}
	d.compose(inode)
	if err := d.send(); err != nil {
		return 0, 0, os.NewSyscallError("send", err)
	}
	n, err := d.receive()
	if err != nil {
		return 0, 0, os.NewSyscallError("read", err)
	}
	return d.parse(d.answer[:n], inode)
}

// open connects a netlink socket, to the kernel: address 0 is its default.
func (d *diag) open() error {
	if d.fd >= 0 {
		return nil
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	d.fd = fd
	return nil
}

func (d *diag) compose(inode uint32) {
	d.sequence++
	b, order := d.request[:], binary.NativeEndian
	order.PutUint32(b[0:], requestSize)
	order.PutUint16(b[4:], unix.SOCK_DIAG_BY_FAMILY)
	order.PutUint16(b[6:], unix.NLM_F_REQUEST)
	order.PutUint32(b[8:], d.sequence)
	r := b[unix.SizeofNlMsghdr:]
	r[0] = unix.AF_UNIX
	order.PutUint32(r[4:], ^uint32(0)) // any state
	order.PutUint32(r[8:], inode)
	order.PutUint32(r[12:], showRQLen)
	order.PutUint64(r[16:], ^uint64(0)) // any cookie
}

// send and receive are not interrupted, as they do not wait; the loops are
// for kernels that think otherwise.
func (d *diag) send() error {
	for {
		_, err := unix.Write(d.fd, d.request[:])
		if err != unix.EINTR {
			return err
		}
	}
}

func (d *diag) receive() (int, error) {
	for {
		n, err := unix.Read(d.fd, d.answer[:])
		if err != unix.EINTR {
			return n, err
		}
	}
}

var errStrange = errors.New("backlog: answer is not to the question")

// parse reads the one message of an answer.
func (d *diag) parse(b []byte, inode uint32) (waiting, limit int, err error) {
	order := binary.NativeEndian
	if len(b) < unix.SizeofNlMsghdr+4 || order.Uint32(b[8:]) != d.sequence {
		return 0, 0, errStrange
	}
	size := min(int(order.Uint32(b)), len(b))
	switch kind := order.Uint16(b[4:]); {
	case kind == unix.NLMSG_ERROR:
		return 0, 0, refusal(unix.Errno(-int32(order.Uint32(b[unix.SizeofNlMsghdr:]))))
	case kind != unix.SOCK_DIAG_BY_FAMILY || size < unix.SizeofNlMsghdr+messageSize:
		return 0, 0, errStrange
	}
	b = b[unix.SizeofNlMsghdr:size]
	if order.Uint32(b[4:]) != inode {
		return 0, 0, errStrange
	}
	return queueLength(b[messageSize:])
}

func refusal(errno unix.Errno) error {
	if errno == unix.ENOENT {
		return errNotThere
	}
	return errno
}

// queueLength finds the attribute with the lengths; others may come too.
func queueLength(b []byte) (waiting, limit int, err error) {
	order := binary.NativeEndian
	for len(b) >= attrHeader {
		size := int(order.Uint16(b))
		if size < attrHeader || size > len(b) {
			break
		}
		if order.Uint16(b[2:]) == attrRQLen && size >= attrHeader+8 {
			return int(order.Uint32(b[4:])), int(order.Uint32(b[8:])), nil
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return 0, 0, errStrange
}
