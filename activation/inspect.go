package activation

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// inspect finds out what a descriptor is, and refuses what no worker can
// serve. It changes nothing about it.
func inspect(fd int, name string) (Socket, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Socket{}, fmt.Errorf("inspect socket %q: %w", name, os.NewSyscallError("fstat", err))
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFSOCK:
		return inspectSocket(fd, name)
	case unix.S_IFIFO:
		return inspectFIFO(fd, name)
	}
	return Socket{}, noSocket(fd, name, st.Mode&unix.S_IFMT)
}

func inspectFIFO(fd int, name string) (Socket, error) {
	// Pipes have no getsockname; the link is the path, proc_pid_fd(5).
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		path = "" // no /proc: the address is for people only
	}
	return Socket{FD: fd, Name: name, Kind: FIFO, Protocol: "fifo", Address: path}, nil
}

func inspectSocket(fd int, name string) (Socket, error) {
	var o options
	s := Socket{FD: fd, Name: name, Family: o.get(fd, unix.SO_DOMAIN)}
	kind := o.get(fd, unix.SO_TYPE)
	listens := o.get(fd, unix.SO_ACCEPTCONN) != 0
	s.Protocol = protocolName(s.Family, o.get(fd, unix.SO_PROTOCOL))
	if o.err != nil {
		return Socket{}, fmt.Errorf("inspect socket %q: %w", name, o.err)
	}
	switch s.Family {
	case unix.AF_INET, unix.AF_INET6, unix.AF_UNIX, unix.AF_VSOCK:
	default:
		return Socket{}, wrongFamily(s)
	}
	switch kind {
	case unix.SOCK_STREAM:
		s.Kind = Stream
	case unix.SOCK_SEQPACKET:
		s.Kind = SeqPacket
	case unix.SOCK_DGRAM:
		s.Kind = Datagram
	default:
		return Socket{}, &Error{
			What: fmt.Sprintf("socket %q has type %d, which no worker can serve", name, kind),
			Hint: "use ListenStream=, ListenSequentialPacket= or ListenDatagram=",
		}
	}
	if s.Kind != Datagram && !listens {
		return Socket{}, notListening(fd, name)
	}
	if err := s.locate(); err != nil {
		return Socket{}, fmt.Errorf("inspect socket %q: %w", name, err)
	}
	return s, nil
}

// options reads integer socket options until one fails.
type options struct{ err error }

func (o *options) get(fd, option int) int {
	if o.err != nil {
		return 0
	}
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
	o.err = os.NewSyscallError("getsockopt", err)
	return n
}

func protocolName(family, protocol int) string {
	switch family {
	case unix.AF_UNIX:
		return "unix"
	case unix.AF_VSOCK:
		return "vsock"
	}
	switch protocol {
	case unix.IPPROTO_TCP:
		return "tcp"
	case unix.IPPROTO_MPTCP:
		return "mptcp"
	case unix.IPPROTO_UDP:
		return "udp"
	case unix.IPPROTO_UDPLITE:
		return "udplite"
	case unix.IPPROTO_SCTP:
		return "sctp"
	}
	return strconv.Itoa(protocol)
}
