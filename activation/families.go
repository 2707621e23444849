package activation

import (
	"net"
	"net/netip"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// splitPort takes an address apart; every address is no host, and may be left out
// together with its colon.
func splitPort(address string) (host, port string, err error) {
	if _, err := strconv.ParseUint(address, 10, 16); err == nil {
		return "", address, nil
	}
	if host, port, err = net.SplitHostPort(address); host == "*" {
		host = ""
	}
	return host, port, err
}

// besideIPv4 reports whether another of the addresses is one of IPv4 with the same
// port, other than 0, which is a port of its own for each.
func besideIPv4(address string, addresses []string) bool {
	_, port, err := splitPort(address)
	if err != nil || port == "0" {
		return false
	}
	return slices.ContainsFunc(addresses, func(other string) bool {
		host, p, err := splitPort(other)
		ip, parsed := netip.ParseAddr(host)
		return err == nil && p == port && parsed == nil && ip.Unmap().Is4()
	})
}

// setFamilies decides whether a wildcard address of IPv6 takes connections over IPv4,
// too (IPV6_V6ONLY, ipv6(7)). Where nothing decides, net.ipv6.bindv6only does.
func setFamilies(fd int, tcp *net.TCPAddr, every, ipv6Only bool) error {
	family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	wildcard := tcp.IP == nil || tcp.IP.IsUnspecified()
	if err != nil || family != unix.AF_INET6 || !wildcard || !every && !ipv6Only {
		return err
	}
	only := 0
	if !every {
		only = 1
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
}
