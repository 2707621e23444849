package sockdiag

import (
	"encoding/binary"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Places in struct inet_diag_req_v2 and struct inet_diag_msg of <linux/inet_diag.h>.
const (
	extensions = unix.SizeofNlMsghdr + 2 // idiag_ext: a bit for each attribute that is wanted
	infoNumber = 2                       // INET_DIAG_INFO: struct tcp_info
	tcpState   = 1                       // idiag_state
	tcpUnread  = 56                      // idiag_rqueue
	tcpUnacked = 60                      // idiag_wqueue
)

// TCPSocket is a TCP socket of a process on this host, of the caller's network
// namespace.
type TCPSocket struct {
	Inode   uint32
	Listens bool
	// Unread are bytes that the process has not read, Unacked those that it has
	// written and the peer has not acknowledged. Of a listening socket they say
	// something else.
	Unread, Unacked uint32
	// Info says that what follows is known.
	Info bool
	// Received and Sent are how many bytes came and went (tcpi_bytes_received and
	// tcpi_bytes_sent of struct tcp_info, the latter since Linux 4.19).
	Received, Sent uint64
	// SinceReceived and SinceSent are how long ago data came and went last; without
	// any, how long ago the connection was made. The kernel's clock for this ticks
	// every 1 to 10 ms.
	SinceReceived, SinceSent time.Duration
}

// LocalPort calls add with every TCP socket that a process has open on that local
// port, the listening ones among them. family is AF_INET or AF_INET6; a connection over
// IPv4 to a listener of IPv6 is of the latter.
//
// With info it asks for TCPSocket's Info too. For that the kernel takes the lock of
// every one of these sockets, which a process may keep for as long as it likes (by
// sending from memory that is not there yet): not for a goroutine that must not wait.
func (c *Conn) LocalPort(family uint8, port uint16, info bool, add func(TCPSocket)) error {
	const size = tcpRequestSize + attrHeader + filterSize
	order := binary.NativeEndian
	a := c.tcp(size, family, ^uint32(0))[tcpRequestSize:]
	order.PutUint16(a[0:], attrHeader+filterSize)
	order.PutUint16(a[2:], attrBytecode)
	comparePort(a[attrHeader:], portAtLeast, port)
	comparePort(a[attrHeader+8:], portAtMost, port)
	if info {
		c.request[extensions] = 1 << (infoNumber - 1)
	}
	return c.ask(size, func(m []byte) error {
		if len(m) < tcpMessageSize {
			return errStrange
		}
		s := TCPSocket{
			Inode: order.Uint32(m[tcpInode:]), Listens: m[tcpState] == tcpListen,
			Unread: order.Uint32(m[tcpUnread:]), Unacked: order.Uint32(m[tcpUnacked:]),
		}
		if s.Inode == 0 { // nobody has accepted it yet, or it is closed and not over
			return nil
		}
		if info {
			s.read(attribute(m[tcpMessageSize:], infoNumber))
		}
		add(s)
		return nil
	})
}

// read takes what is wanted of a struct tcp_info, which is shorter on older kernels.
func (s *TCPSocket) read(b []byte) {
	var t unix.TCPInfo
	if len(b) < int(unsafe.Offsetof(t.Bytes_sent))+8 {
		return
	}
	order := binary.NativeEndian
	s.Info = true
	s.Received, s.Sent = order.Uint64(b[unsafe.Offsetof(t.Bytes_received):]), order.Uint64(b[unsafe.Offsetof(t.Bytes_sent):])
	s.SinceReceived = time.Duration(order.Uint32(b[unsafe.Offsetof(t.Last_data_recv):])) * time.Millisecond
	s.SinceSent = time.Duration(order.Uint32(b[unsafe.Offsetof(t.Last_data_sent):])) * time.Millisecond
}
