package sockdiag

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// More constants and layouts of <linux/inet_diag.h>.
const (
	showInfo   = 1 << (attrInfo - 1) // in idiag_ext: the attribute of that number
	attrInfo   = 2                   // INET_DIAG_INFO: struct tcp_info
	requestExt = 2                   // idiag_ext of struct inet_diag_req_v2
	requestSrc = 8                   // its id.idiag_sport
	tcpSource  = 8                   // id.idiag_src of struct inet_diag_msg
	tcpCookie  = 44                  // its id.idiag_cookie

	// The states of a connection that waits in an accept queue: open, or shut by its
	// client already (<net/tcp_states.h>). A connection that was accepted and then
	// closed by its process has no inode either, but is in another state.
	tcpEstablished = 1
	tcpCloseWait   = 8
)

const infoLastSent = int(unsafe.Offsetof(unix.TCPInfo{}.Last_data_sent))

// TCPConnection is a connection of a local port.
type TCPConnection struct {
	// Inode is the number of its socket; 0 = no process has accepted it yet.
	Inode uint32
	// Cookie is a number that no other socket of this boot has, from the first question
	// on (SO_COOKIE of socket(7)).
	Cookie uint64
	// Shut: its client has closed it, or at least its own side of it.
	Shut bool
	// Local is its address on this host.
	Local netip.Addr
	// Unsent is how long ago it last sent data, in whole milliseconds. The kernel
	// begins to count when the connection is made, and nothing is sent before
	// somebody has accepted it: for one that waits this is how long it has waited
	// (tcpi_last_data_sent of tcp(7); tcp_create_openreq_child of the kernel).
	Unsent time.Duration
}

// Port calls each with every TCP connection whose local port it is and that is open
// or was shut by its client. family is that of the listener: AF_INET, or AF_INET6,
// which has the connections over IPv4 to a listener of IPv6, too.
//
// The kernel takes the lock of every one of these sockets for a moment. A process can
// keep the lock of a socket that it has open for as long as it likes (by sending from
// memory that is not there yet), so this must not be called where such a wait matters.
// Connections has no such wait. Both take time in proportion to the number of
// connections, and to the kernel's table of all connections, which is walked: on a
// machine with a table of 262,144 places about half a millisecond without any.
func (c *Conn) Port(family uint8, port uint16, each func(TCPConnection)) error {
	b := c.tcp(tcpRequestSize, family, 1<<tcpEstablished|1<<tcpCloseWait)[unix.SizeofNlMsghdr:]
	b[requestExt] = showInfo
	binary.BigEndian.PutUint16(b[requestSrc:], port)
	return c.ask(tcpRequestSize, func(m []byte) error {
		if len(m) < tcpMessageSize {
			return errStrange
		}
		if binary.BigEndian.Uint16(m[tcpPort:]) != port {
			return nil
		}
		info := attribute(m[tcpMessageSize:], attrInfo)
		if len(info) < infoLastSent+4 { // the socket was closed meanwhile
			return nil
		}
		order := binary.NativeEndian
		each(TCPConnection{
			Inode: order.Uint32(m[tcpInode:]), Local: source(family, m[tcpSource:]),
			Cookie: order.Uint64(m[tcpCookie:]), Shut: m[tcpState] == tcpCloseWait,
			Unsent: time.Duration(order.Uint32(info[infoLastSent:])) * time.Millisecond,
		})
		return nil
	})
}

// source reads an address; one of IPv4 that was mapped into IPv6 is of IPv4.
func source(family uint8, b []byte) netip.Addr {
	if family == unix.AF_INET {
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.AddrFrom16([16]byte(b)).Unmap()
}

// Listens reports whether the kernel knows a listening TCP socket of that inode number
// here. A listener that was made in another network namespace is not known, and neither
// are its connections.
func (c *Conn) Listens(family uint8, port uint16, inode uint32) (bool, error) {
	b := c.tcp(tcpRequestSize, family, 1<<tcpListen)[unix.SizeofNlMsghdr:]
	binary.BigEndian.PutUint16(b[requestSrc:], port)
	found := false
	err := c.ask(tcpRequestSize, func(m []byte) error {
		if len(m) < tcpMessageSize {
			return errStrange
		}
		found = found || binary.NativeEndian.Uint32(m[tcpInode:]) == inode
		return nil
	})
	return found, err
}
