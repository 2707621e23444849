package sockdiag

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Constants and layouts of <linux/inet_diag.h>.
const (
	attrBytecode = 1 // INET_DIAG_REQ_BYTECODE
	portAtLeast  = 2 // INET_DIAG_BC_S_GE
	portAtMost   = 3 // INET_DIAG_BC_S_LE

	tcpRequestSize = unix.SizeofNlMsghdr + 56 // struct inet_diag_req_v2
	filterSize     = 16                       // four struct inet_diag_bc_op
	tcpMessageSize = 72                       // struct inet_diag_msg
	tcpInode       = 68                       // its idiag_inode
	tcpPort        = 4                        // its idiag_sport

	// tcpListen is TCP_LISTEN of <net/tcp_states.h>.
	tcpListen = 10
)

// Connections calls add with the inode number of each TCP socket whose local port
// it is, but for listening ones. family is AF_INET or AF_INET6; a connection over
// IPv4 to a listener of IPv6 is of the latter.
func (c *Conn) Connections(family uint8, port uint16, add func(inode uint32)) error {
	const size = tcpRequestSize + attrHeader + filterSize
	order := binary.NativeEndian
	a := c.tcp(size, family, ^uint32(1<<tcpListen))[tcpRequestSize:]
	order.PutUint16(a[0:], attrHeader+filterSize)
	order.PutUint16(a[2:], attrBytecode)
	comparePort(a[attrHeader:], portAtLeast, port)
	comparePort(a[attrHeader+8:], portAtMost, port)
	return c.ask(size, func(m []byte) error {
		if len(m) < tcpMessageSize {
			return errStrange
		}
		if inode := order.Uint32(m[tcpInode:]); inode != 0 { // 0: closed, but not over
			add(inode)
		}
		return nil
	})
}

// Listeners calls add with the inode number and the port of each listening TCP
// socket.
func (c *Conn) Listeners(family uint8, add func(inode uint32, port uint16)) error {
	c.tcp(tcpRequestSize, family, 1<<tcpListen)
	return c.ask(tcpRequestSize, func(m []byte) error {
		if len(m) < tcpMessageSize {
			return errStrange
		}
		add(binary.NativeEndian.Uint32(m[tcpInode:]), binary.BigEndian.Uint16(m[tcpPort:]))
		return nil
	})
}

// tcp begins a request of so many bytes for all sockets in these states.
func (c *Conn) tcp(size int, family uint8, states uint32) []byte {
	b, order := c.request[:size], binary.NativeEndian
	clear(b)
	order.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	r := b[unix.SizeofNlMsghdr:]
	r[0], r[1] = family, unix.IPPROTO_TCP
	order.PutUint32(r[4:], states)
	return b
}

// comparePort writes one comparison: on success the next 8 bytes are looked at;
// else the program is left by a jump behind its end, which refuses the socket.
func comparePort(b []byte, code byte, port uint16) {
	order := binary.NativeEndian
	b[0], b[1] = code, 8
	rest := len(b)
	order.PutUint16(b[2:], uint16(rest+4))
	order.PutUint16(b[6:], port)
}
