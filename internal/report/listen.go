package report

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
)

// maxPath is the longest address of a Unix socket: sun_path has 108 bytes and
// a path ends with a NUL, unix(7). Abstract names could have one byte more,
// but not all senders' libraries know.
const maxPath = 107

var (
	// ErrPathTooLong says that no socket can have this path. The way out
	// is an abstract name.
	ErrPathTooLong = errors.New("report: socket path is longer than 107 bytes")
	// ErrInUse says that another socket, perhaps one kept by the
	// descriptor store, answers at the path.
	ErrInUse = errors.New("report: socket path is in use")
)

// Listen binds a socket at path, which is absolute, or "@" and an abstract
// name, or empty for an abstract name nobody can guess. A file socket gets
// mode 0666, as its directory decides who gets there, and takes the place of
// a dead one; a live one is [ErrInUse], and a file that is no socket an
// error. On error nothing is left behind, except that a dead socket may
// have been removed.
func Listen(path string) (*Socket, error) {
	address, err := complete(path)
	if err != nil {
		return nil, err
	}
	fd, err := bound(address)
	if err != nil {
		return nil, fmt.Errorf("bind report socket %s: %w", address, err)
	}
	var file sockdiag.File
	if !isAbstract(address) {
		file = sockdiag.FileAt(address)
	}
	s, err := newSocket(fd, address)
	if err != nil {
		_ = unix.Close(fd)
		_ = file.Remove()
		return nil, fmt.Errorf("set up report socket %s: %w", address, err)
	}
	s.file = file
	return s, nil
}

func isAbstract(address string) bool { return address != "" && address[0] == '@' }

// complete returns the address to bind for path.
func complete(path string) (string, error) {
	switch {
	case path == "":
		return secret()
	case len(path) > maxPath:
		return "", ErrPathTooLong
	case !isAbstract(path) && !filepath.IsAbs(path):
		// Workers may run in another directory.
		return "", fmt.Errorf("report socket %q: not an absolute path", path)
	}
	return path, nil
}

// secret is an abstract name of 128 random bits. It asks the kernel itself
// (getrandom(2)), which is as good, and does not leave a timer behind like the
// first use of crypto/rand, for a process that is to sleep.
func secret() (string, error) {
	var bits [16]byte
	if n, err := unix.Getrandom(bits[:], 0); n != len(bits) { // less: only for more than 256 bytes
		return "", os.NewSyscallError("getrandom", err)
	}
	return "@availd/notify/" + hex.EncodeToString(bits[:]), nil
}

// bound returns a descriptor bound to address.
func bound(address string) (int, error) {
	fd, err := datagram()
	if err != nil {
		return -1, err
	}
	err = bind(fd, address)
	if err == nil && !isAbstract(address) {
		// The umask took its share of the mode at bind.
		err = os.Chmod(address, 0o666)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func datagram() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	return fd, os.NewSyscallError("socket", err)
}

// bind binds, and once more after making way.
func bind(fd int, address string) error {
	sa := &unix.SockaddrUnix{Name: address}
	err := unix.Bind(fd, sa)
	if !errors.Is(err, unix.EADDRINUSE) {
		return os.NewSyscallError("bind", err)
	}
	if isAbstract(address) {
		return ErrInUse
	}
	if err := removeDead(address); err != nil {
		return err
	}
	return os.NewSyscallError("bind", unix.Bind(fd, sa))
}

// removeDead removes a socket file nobody listens on. Linux says
// ECONNREFUSED for a path whose socket is closed, whatever type it had, and
// EPROTOTYPE when one of another type is alive.
func removeDead(path string) error {
	if st, err := os.Lstat(path); err != nil {
		return err
	} else if st.Mode().Type() != os.ModeSocket {
		return errors.New("a file that is no socket is in the way")
	}
	file := sockdiag.FileAt(path) // who comes in between keeps his
	probe, err := datagram()
	if err != nil {
		return err
	}
	defer unix.Close(probe)
	switch err := unix.Connect(probe, &unix.SockaddrUnix{Name: path}); {
	case err == nil, errors.Is(err, unix.EPROTOTYPE):
		return ErrInUse
	case !errors.Is(err, unix.ECONNREFUSED):
		return os.NewSyscallError("connect", err)
	}
	return file.Remove()
}
