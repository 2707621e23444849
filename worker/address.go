package worker

import (
	"net"
	"syscall"
)

// address says where a socket listens, in the types of package net.
func address(fd int, local syscall.Sockaddr) net.Addr {
	switch a := local.(type) {
	case *syscall.SockaddrInet4:
		return &net.TCPAddr{IP: a.Addr[:], Port: a.Port}
	case *syscall.SockaddrInet6:
		return &net.TCPAddr{IP: a.Addr[:], Port: a.Port, Zone: zone(a.ZoneId)}
	case *syscall.SockaddrUnix:
		kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
		if err == nil && kind == syscall.SOCK_SEQPACKET {
			return &net.UnixAddr{Net: "unixpacket", Name: a.Name}
		}
		return &net.UnixAddr{Net: "unix", Name: a.Name}
	}
	return &net.UnixAddr{Net: "unknown"}
}

func zone(index uint32) string {
	if index == 0 {
		return ""
	}
	device, err := net.InterfaceByIndex(int(index))
	if err != nil {
		return ""
	}
	return device.Name
}
