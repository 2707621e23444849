package activation

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// backlog is systemd's default too; the kernel cuts it to net.core.somaxconn.
const backlog = 4096

// Listen opens stream listeners for --listen, for use without systemd:
// "host:port" (an empty host is every address), "[::1]:port", "/path" or
// "@abstract". The n-th is named "listenN", from 0. The descriptors are
// blocking, as systemd would pass them. A socket file gets the mode the
// umask leaves; a dead one is replaced, a live one or any other file is an
// error. On error everything opened before is closed and removed again.
func Listen(addresses []string) ([]Socket, error) {
	var sockets []Socket
	for i, address := range addresses {
		s, err := listenOn(address, "listen"+strconv.Itoa(i))
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

func listenOn(address, name string) (Socket, error) {
	fd, path, err := open(address)
	if err != nil {
		return Socket{}, err
	}
	s, err := start(fd, name)
	if err != nil {
		_ = unix.Close(fd)
		s.Path = path
		_ = s.Remove()
		return Socket{}, err
	}
	s.Path = path
	return s, nil
}

func start(fd int, name string) (Socket, error) {
	if err := unix.Listen(fd, backlog); err != nil {
		return Socket{}, os.NewSyscallError("listen", err)
	}
	return inspect(fd, name)
}

// open returns a bound socket, and its path if there is a file to remove.
func open(address string) (fd int, path string, err error) {
	switch {
	case strings.HasPrefix(address, "/"):
		fd, err = openUnix(address)
		return fd, address, err
	case strings.HasPrefix(address, "@") && len(address) > 1:
		fd, err = openUnix(address)
		return fd, "", err
	}
	fd, err = openTCP(address)
	return fd, "", err
}

func stream(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	return fd, os.NewSyscallError("socket", err)
}

func openTCP(address string) (int, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return -1, errors.New("not an address: use host:port, [IPv6]:port, /path or @abstract")
	}
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return -1, err
	}
	fd, sa, err := socketFor(tcp)
	if err != nil {
		return -1, err
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
