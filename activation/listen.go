package activation

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
)

// backlog is systemd's default too; the kernel cuts it to net.core.somaxconn.
const backlog = 4096

// Listen opens stream listeners for --listen, for use without systemd:
// "port", "host:port" (no host, or *, is every address of both families, whatever
// net.ipv6.bindv6only says), "[::1]:port", "/path" or "@abstract". "[::]:port" is for
// IPv6 alone where one of the others is an IPv4 address of that port, which the kernel
// would refuse to share otherwise. The n-th is named "listenN", from 0. The descriptors are
// blocking, as systemd would pass them. A socket file gets the mode the
// umask leaves; a dead one is replaced, a live one or any other file is an
// error. On error everything opened before is closed and removed again.
//
// inherit is asked for a socket that listens on an address which is in use: it gets a
// function that tells whether a descriptor is one, and returns a descriptor, which is
// Listen's from then on, or -1. When it reports again, the address is tried once more.
func Listen(addresses []string, inherit Inherit) ([]Socket, error) {
	var sockets []Socket
	for i, address := range addresses {
		name, ipv6Only := "listen"+strconv.Itoa(i), besideIPv4(address, addresses)
		s, err := listenOn(address, name, ipv6Only)
		if errors.Is(err, unix.EADDRINUSE) && inherit != nil {
			s, err = inheritOn(address, name, ipv6Only, inherit, err)
		}
		if err != nil {
			for _, s := range sockets {
				_ = s.Remove()
				_ = unix.Close(s.FD)
			}
			return nil, fmt.Errorf("listen on %s: %w", address, err)
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// ListenAgain makes a socket listen that a process which shares it has shut down, for so
// many connections (-1 = as many as for --listen). A Unix
// socket cannot (errUnixDown): its shutdown is for ever. It may wait for the lock of the
// socket, which any holder can take.
func ListenAgain(fd, most int) error {
	if family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil && family == unix.AF_UNIX {
		return errUnixDown
	}
	if most < 0 {
		most = backlog
	}
	if err := unix.Listen(fd, most); err != nil {
		return os.NewSyscallError("listen", err)
	}
	fds := []unix.PollFd{{Fd: int32(fd)}}
	if _, err := unix.Poll(fds, 0); err == nil && fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0 {
		return errors.New("it was shut down again")
	}
	return nil
}

var errUnixDown = errors.New("the kernel does not let a Unix socket listen again")

func listenOn(address, name string, ipv6Only bool) (Socket, error) {
	fd, path, err := open(address, ipv6Only)
	if err != nil {
		return Socket{}, err
	}
	var file sockdiag.File
	if path != "" {
		file = sockdiag.FileAt(path)
	}
	s, err := start(fd, name)
	if err != nil {
		_ = unix.Close(fd)
		_ = file.Remove()
		return Socket{}, err
	}
	s.Path, s.file = path, file
	return s, nil
}

func start(fd int, name string) (Socket, error) {
	if err := unix.Listen(fd, backlog); err != nil {
		return Socket{}, os.NewSyscallError("listen", err)
	}
	return inspect(fd, name)
}

// open returns a bound socket, and its path if there is a file to remove.
func open(address string, ipv6Only bool) (fd int, path string, err error) {
	switch {
	case strings.HasPrefix(address, "/"):
		fd, err = openUnix(address)
		return fd, address, err
	case strings.HasPrefix(address, "@") && len(address) > 1:
		fd, err = openUnix(address)
		return fd, "", err
	}
	fd, err = openTCP(address, ipv6Only)
	return fd, "", err
}

func stream(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	return fd, os.NewSyscallError("socket", err)
}

func openTCP(address string, ipv6Only bool) (int, error) {
	host, port, err := splitPort(address)
	if err != nil {
		return -1, errors.New("not an address: use port, host:port, [IPv6]:port, /path or @abstract")
	}
	tcp, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return -1, err
	}
	fd, sa, err := socketFor(tcp)
	if err != nil {
		return -1, err
	}
	if err := setFamilies(fd, tcp, host == "", ipv6Only); err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("setsockopt", err)
	}
	// Without it a restart would have to wait for TIME_WAIT, tcp(7).
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, sa); err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, nil
}

// socketFor returns a socket of the address' family and the address for it.
// No host at all means IPv6 for both, or IPv4 where the kernel has no IPv6.
func socketFor(tcp *net.TCPAddr) (int, unix.Sockaddr, error) {
	if ip4 := tcp.IP.To4(); ip4 != nil {
		fd, err := stream(unix.AF_INET)
		return fd, &unix.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(ip4)}, err
	}
	sa := &unix.SockaddrInet6{Port: tcp.Port, ZoneId: zone(tcp.Zone)}
	copy(sa.Addr[:], tcp.IP)
	fd, err := stream(unix.AF_INET6)
	if errors.Is(err, unix.EAFNOSUPPORT) && tcp.IP == nil {
		fd, err = stream(unix.AF_INET)
		return fd, &unix.SockaddrInet4{Port: tcp.Port}, err
	}
	return fd, sa, err
}

func zone(name string) uint32 {
	if name == "" {
		return 0
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(name); err == nil {
		return uint32(i.Index)
	}
	return 0 // bind says EINVAL where a zone is needed
}
