package activation

import (
	"net"
	"reflect"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
)

// Inherit finds the socket of an address that is in use, see [Listen].
type Inherit func(matches func(fd int) bool) (fd int, again bool)

// inheritOn takes a socket over from whoever has it. failed is the error without that.
func inheritOn(address, name string, ipv6Only bool, inherit Inherit, failed error) (Socket, error) {
	want, path, err := addressOf(address)
	if err != nil {
		return Socket{}, failed
	}
	fd, again := inherit(func(fd int) bool { return listensOn(fd, want) })
	switch {
	case fd >= 0:
	case again:
		return listenOn(address, name, ipv6Only)
	default:
		return Socket{}, failed
	}
	unix.CloseOnExec(fd)
	s, err := inspect(fd, name)
	if err != nil {
		_ = unix.Close(fd)
		return Socket{}, err
	}
	if path != "" {
		s.Path, s.file = path, sockdiag.FileOf(fd, path)
	}
	return s, nil
}

// addressOf is what getsockname(2) says of a socket of --listen, and its path.
func addressOf(address string) (unix.Sockaddr, string, error) {
	switch address[0] {
	case '/':
		return &unix.SockaddrUnix{Name: address}, address, nil
	case '@':
		return &unix.SockaddrUnix{Name: address}, "", nil
	}
	host, port, err := splitPort(address)
	if err != nil {
		return nil, "", err
	}
	tcp, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, "", err
	}
	fd, sa, err := socketFor(tcp)
	if err == nil {
		_ = unix.Close(fd)
	}
	return sa, "", err
}

// listensOn reports whether fd is a stream socket that listens on an address.
func listensOn(fd int, want unix.Sockaddr) bool {
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
		return false
	}
	is, err := unix.Getsockname(fd)
	return err == nil && reflect.DeepEqual(plainAddress(is), plainAddress(want))
}

// plainAddress leaves out what package unix keeps beside an address.
func plainAddress(a unix.Sockaddr) any {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return unix.SockaddrInet4{Port: a.Port, Addr: a.Addr}
	case *unix.SockaddrInet6:
		return unix.SockaddrInet6{Port: a.Port, ZoneId: a.ZoneId, Addr: a.Addr}
	case *unix.SockaddrUnix:
		return a.Name
	}
	return a
}
