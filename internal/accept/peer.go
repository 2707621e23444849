package accept

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func describe(fd int, peer unix.Sockaddr) Conn {
	c := Conn{FD: fd}
	switch p := peer.(type) {
	case *unix.SockaddrInet4:
		c.internet(netip.AddrFrom4(p.Addr), p.Port)
	case *unix.SockaddrInet6:
		c.internet(netip.AddrFrom16(p.Addr).Unmap(), p.Port)
		if p.ZoneId != 0 && c.Address != "" {
			c.Address += "%" + zone(int(p.ZoneId))
		}
	case *unix.SockaddrUnix:
		c.local(p.Name)
	}
	return c
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
	if !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) && name != "@" {
		c.Address = name
	}
	if cred, err := unix.GetsockoptUcred(c.FD, unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
		c.Source = "uid " + strconv.FormatUint(uint64(cred.Uid), 10)
	}
}
