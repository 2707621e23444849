package sockdiag

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Places in struct inet_diag_msg of <linux/inet_diag.h>, and more of <linux/unix_diag.h>.
const (
	inetRemotePort = 6  // idiag_dport
	inetRemote     = 24 // idiag_dst
	inetProtocol   = unix.SizeofNlMsghdr + 1

	showPeer = 0x04 // UDIAG_SHOW_PEER
	attrPeer = 2    // UNIX_DIAG_PEER: the inode number of the other end
)

// Ends are the addresses of both ends of a socket. Remote is not valid where it is not
// connected.
type Ends struct{ Local, Remote netip.AddrPort }

// Inet calls add with the inode number and the addresses of each TCP or UDP socket
// (protocol IPPROTO_TCP or IPPROTO_UDP) of a family that a process has open and that does
// not listen. This takes time in proportion to the number of all such sockets on the host.
func (c *Conn) Inet(family, protocol uint8, add func(inode uint32, e Ends)) error {
	c.tcp(tcpRequestSize, family, ^uint32(1<<tcpListen))
	c.request[inetProtocol] = protocol
	return c.ask(tcpRequestSize, func(m []byte) error {
		if len(m) < tcpMessageSize {
			return errStrange
		}
		if inode := binary.NativeEndian.Uint32(m[tcpInode:]); inode != 0 {
			add(inode, Ends{end(family, m[tcpSource:], m[tcpPort:]), end(family, m[inetRemote:], m[inetRemotePort:])})
		}
		return nil
	})
}

func end(family uint8, address, port []byte) netip.AddrPort {
	number := binary.BigEndian.Uint16(port)
	if number == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(source(family, address), number)
}

// Peer returns the address of the socket that a Unix socket is connected to, as Name has
// it; "" = that one has none, or nobody has accepted it yet.
func (c *Conn) Peer(inode uint32) (string, error) {
	value, _, err := c.unix(inode, showPeer, attrPeer)
	if err != nil || len(value) < 4 {
		return "", err
	}
	peer := binary.NativeEndian.Uint32(value)
	if peer == 0 {
		return "", nil
	}
	return c.Name(peer)
}
