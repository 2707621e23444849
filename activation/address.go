package activation

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// locate fills in Address and Remote from the descriptor.
func (s *Socket) locate() error {
	name, err := unix.Getsockname(s.FD)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		s.locateIP(netip.AddrFrom4(name.Addr), name.Port)
	case *unix.SockaddrInet6:
		s.locateIP(zoned(name), name.Port)
	case *unix.SockaddrUnix:
		if name.Name != "@" { // x/sys says "@" for a socket without a name
			s.Address = name.Name
		}
	case *unix.SockaddrVM:
		s.Address = fmt.Sprintf("vsock:%d:%d", name.CID, name.Port)
		s.Remote = true
	default:
		return fmt.Errorf("unknown kind of address %T", name)
	}
	return nil
}

// locateIP decides on reach by the address alone. A wildcard address is
// reachable; an IPv4 loopback address stays one when it is written as IPv6,
// which netip knows.
func (s *Socket) locateIP(ip netip.Addr, port int) {
	s.Address = netip.AddrPortFrom(ip, uint16(port)).String()
	s.Remote = !ip.IsLoopback()
}

func zoned(sa *unix.SockaddrInet6) netip.Addr {
	ip := netip.AddrFrom16(sa.Addr)
	if sa.ZoneId != 0 {
		ip = ip.WithZone(strconv.FormatUint(uint64(sa.ZoneId), 10))
	}
	return ip
}
