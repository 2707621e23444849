// Package accept takes one connection off a listening socket of availd's own,
// and says where it comes from. It is for workers that are born with their
// connection (inetd); all others accept themselves.
//
// # Diagnostics
//
// [ErrNone] says that nobody waits. Every other error is the system's: out of
// descriptors or memory, most of the time.
package accept

import (
	"errors"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrNone says that no connection waits (any more).
var ErrNone = errors.New("accept: no connection waits")

// Conn is an accepted connection. FD is blocking and close-on-exec, and belongs
// to the caller.
type Conn struct {
	FD int
	// Address and Port are the peer's, as systemd puts them into REMOTE_ADDR
	// and REMOTE_PORT; "" where it has none.
	Address, Port string
	// Source is what counts as one client: an IPv4 address (also one that is
	// mapped into IPv6), the /64 of an IPv6 address, a user of this host.
	Source string
}

// Accept takes the next connection. The listener must be non-blocking: somebody
// else may have been faster, or the client may have left.
func Accept(listener int) (Conn, error) {
	for {
		fd, peer, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			return describe(fd, peer), nil
		case errors.Is(err, unix.EAGAIN):
			return Conn{}, ErrNone
		case transient(err): // the client's trouble: accept(2) says to try the next
		default:
			return Conn{}, os.NewSyscallError("accept4", err)
		}
	}
}

// transient are errors of the one connection, which Linux passes on in accept.
func transient(err error) bool {
	for _, e := range []error{
		unix.EINTR, unix.ECONNABORTED, unix.ENETDOWN, unix.EPROTO, unix.ENOPROTOOPT, unix.EHOSTDOWN,
		unix.ENONET, unix.EHOSTUNREACH, unix.EOPNOTSUPP, unix.ENETUNREACH, unix.EPERM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func describe(fd int, peer unix.Sockaddr) Conn {
	c := Conn{FD: fd}
	switch p := peer.(type) {
	case *unix.SockaddrInet4:
		c.internet(netip.AddrFrom4(p.Addr), p.Port)
	case *unix.SockaddrInet6:
		c.internet(netip.AddrFrom16(p.Addr).Unmap(), p.Port)
	case *unix.SockaddrUnix:
		c.local()
	}
	return c
}

func (c *Conn) internet(a netip.Addr, port int) {
	c.Address, c.Port = a.String(), strconv.Itoa(port)
	c.Source = c.Address
	if a.Is6() {
		if net, err := a.Prefix(64); err == nil {
			c.Source = net.String()
		}
	}
}

// local counts clients on this host by user.
func (c *Conn) local() {
	if cred, err := unix.GetsockoptUcred(c.FD, unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
		c.Source = "uid " + strconv.FormatUint(uint64(cred.Uid), 10)
	}
}
