package activation

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
)

// maxPath is what sun_path holds beside its NUL, unix(7).
const maxPath = 107

// openUnix binds a path or an abstract name, in place of a dead socket.
func openUnix(address string) (int, error) {
	if len(address) > maxPath {
		return -1, errors.New("a socket path has at most 107 bytes")
	}
	fd, err := stream(unix.AF_UNIX)
	if err != nil {
		return -1, err
	}
	sa := &unix.SockaddrUnix{Name: address}
	err = unix.Bind(fd, sa)
	if errors.Is(err, unix.EADDRINUSE) && address[0] == '/' {
		if err := removeDead(address); err != nil {
			_ = unix.Close(fd)
			return -1, err
		}
		err = unix.Bind(fd, sa)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, nil
}

// errLive is of an address that somebody listens on.
var errLive = fmt.Errorf("another process listens there: stop it, or choose another path (%w)", unix.EADDRINUSE)

// removeDead removes a socket file whose socket is closed, which the kernel
// tells by ECONNREFUSED. The probe does not block: a live listener with a
// full backlog says EAGAIN, one of another type EPROTOTYPE.
func removeDead(path string) error {
	st, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if st.Mode().Type() != os.ModeSocket {
		return errors.New("a file that is no socket is in the way: remove it, or choose another path")
	}
	file := sockdiag.FileAt(path) // who comes in between keeps his
	probe, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(probe)
	switch err := unix.Connect(probe, &unix.SockaddrUnix{Name: path}); {
	case errors.Is(err, unix.ECONNREFUSED):
		return file.Remove()
	case err == nil, errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EPROTOTYPE):
		return errLive
	default:
		return os.NewSyscallError("connect", err)
	}
}
