package spawn

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

func describe(fd int, peer *unix.RawSockaddrAny) Conn {
	c := Conn{FD: fd}
	switch peer.Addr.Family {
	case unix.AF_INET:
		p := (*unix.RawSockaddrInet4)(unsafe.Pointer(peer))
		c.internet(netip.AddrFrom4(p.Addr), bigEndian(p.Port))
	case unix.AF_INET6:
		p := (*unix.RawSockaddrInet6)(unsafe.Pointer(peer))
		c.internet(netip.AddrFrom16(p.Addr).Unmap(), bigEndian(p.Port))
		if p.Scope_id != 0 && c.Address != "" {
			c.Address += "%" + zone(int(p.Scope_id))
		}
	case unix.AF_UNIX:
		c.local(unixName((*unix.RawSockaddrUnix)(unsafe.Pointer(peer))))
	}
	return c
}

// bigEndian is a number that stands in memory as on the wire.
func bigEndian(n uint16) int {
	b := (*[2]byte)(unsafe.Pointer(&n))
	return int(b[0])<<8 | int(b[1])
}

// unixName is a path, or "@" and an abstract name up to its first 0; "" for a
// socket without a name.
func unixName(p *unix.RawSockaddrUnix) string {
	name := unsafe.Slice((*byte)(unsafe.Pointer(&p.Path)), len(p.Path))
	if name[0] == 0 && name[1] != 0 {
		return "@" + upToZero(name[1:])
	}
	return upToZero(name)
}

func upToZero(b []byte) string {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b)
}

func (c *Conn) internet(a netip.Addr, port int) {
	c.Address, c.Port = a.String(), strconv.Itoa(port)
	c.Source = c.Address
	if a.Is6() {
		if network, err := a.Prefix(64); err == nil {
			c.Source = network.String()
		}
	}
}

// zone is the interface of a link-local address, by name where it has one.
func zone(index int) string {
	if i, err := net.InterfaceByIndex(index); err == nil {
		return i.Name
	}
	return strconv.Itoa(index)
}

// local counts clients on this host by user. Most have no name; that of one
// which has is told as systemd 254 does, unless it could not be a variable's
// value, or is none of a person's.
func (c *Conn) local(name string) {
	if !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		c.Address = name
	}
	var client unix.Ucred
	if _, err := nowait.Option(c.FD, unix.SOL_SOCKET, unix.SO_PEERCRED, &client); err == nil {
		c.Source = "uid " + strconv.FormatUint(uint64(client.Uid), 10)
	}
}
