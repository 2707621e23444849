package units

import (
	"fmt"
	"net/netip"
	"slices"
)

// families says which of IPv4 and IPv6 the addresses of a socket unit are for, so that
// they do not depend on net.ipv6.bindv6only of the machine: a port alone is both. Where
// an address of IPv4 stands beside [::] with the same port, that is IPv6 alone, as the
// kernel lets only one socket have the addresses of IPv4 (ipv6(7)). As one line decides
// for a whole unit, a port alone becomes two addresses then.
func families(streams []string) (all []string, bindIPv6Only string, err error) {
	fours, six := map[uint16]bool{}, map[uint16]bool{}
	var ports []string
	for i, s := range streams {
		if slices.Contains(streams[:i], s) {
			return nil, "", fmt.Errorf("listen on %s: is there twice", s)
		}
		if a, err := netip.ParseAddrPort(s); err == nil {
			fours[a.Port()] = fours[a.Port()] || a.Addr().Unmap().Is4()
			six[a.Port()] = six[a.Port()] || a.Addr() == netip.IPv6Unspecified()
		} else if isPort(s) {
			ports = append(ports, s)
		}
	}
	for _, s := range streams {
		if a, err := netip.ParseAddrPort(s); err == nil && slices.Contains(ports, fmt.Sprint(a.Port())) {
			return nil, "", fmt.Errorf("listen on %s: port %d alone is all addresses, this one among them; leave one of them out", s, a.Port())
		}
	}
	for port := range six {
		if six[port] && fours[port] {
			bindIPv6Only = "ipv6-only"
		}
	}
	switch {
	case ports == nil:
		return streams, bindIPv6Only, nil
	case bindIPv6Only == "":
		return streams, "both", nil
	}
	for _, s := range streams {
		if isPort(s) {
			all = append(all, "0.0.0.0:"+s, "[::]:"+s)
		} else {
			all = append(all, s)
		}
	}
	return all, bindIPv6Only, nil
}

// isPort: a stream that is neither a path nor an abstract name begins with a digit only
// if it is a port or an address.
func isPort(stream string) bool {
	for _, c := range stream {
		if c < '0' || c > '9' {
			return false
		}
	}
	return stream != ""
}
