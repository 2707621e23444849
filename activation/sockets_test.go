package activation_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bound returns a bound socket that is closed with the test.
func bound(t *testing.T, family, kind int, sa unix.Sockaddr) int {
	t.Helper()
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.Bind(fd, sa))
	return fd
}

func listening(t *testing.T, family, kind int, sa unix.Sockaddr) int {
	t.Helper()
	fd := bound(t, family, kind, sa)
	must(t, unix.Listen(fd, 16))
	return fd
}

func tcp4(t *testing.T, ip ...byte) int {
	t.Helper()
	return listening(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte(ip)})
}

func tcp6(t *testing.T, ip [16]byte) int {
	t.Helper()
	return listening(t, unix.AF_INET6, unix.SOCK_STREAM, &unix.SockaddrInet6{Addr: ip})
}

var (
	loopback6       = [16]byte{15: 1}
	mappedLoopback6 = [16]byte{10: 0xff, 11: 0xff, 12: 127, 15: 1}
)

func unixPath(t *testing.T, name string) (string, *unix.SockaddrUnix) {
	path := filepath.Join(t.TempDir(), name)
	return path, &unix.SockaddrUnix{Name: path}
}

func open(t *testing.T, path string, flags int) int {
	t.Helper()
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func fifo(t *testing.T) (path string, fd int) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	must(t, unix.Mkfifo(path, 0o600))
	return path, open(t, path, unix.O_RDWR|unix.O_NONBLOCK)
}

func regularFile(t *testing.T) int {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, nil, 0o600))
	return open(t, path, unix.O_RDONLY)
}

// connection returns one end of an established TCP connection.
func connection(t *testing.T) int {
	t.Helper()
	listener := tcp4(t, 127, 0, 0, 1)
	sa, err := unix.Getsockname(listener)
	must(t, err)
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(client) })
	must(t, unix.Connect(client, sa))
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func netlink(t *testing.T) int {
	t.Helper()
	return bound(t, unix.AF_NETLINK, unix.SOCK_RAW, &unix.SockaddrNetlink{})
}

// messageQueue returns -1 on kernels without CONFIG_POSIX_MQUEUE, which then
// cannot pass one either.
func messageQueue(t *testing.T) int {
	t.Helper()
	name, err := unix.BytePtrFromString("activation-test-" + filepath.Base(filepath.Dir(t.TempDir())))
	must(t, err)
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)),
		unix.O_RDONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600, 0, 0, 0)
	if errno == syscall.ENOSYS {
		return -1
	}
	if errno != 0 {
		t.Fatal(errno)
	}
	_, _, _ = unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(name)), 0, 0)
	t.Cleanup(func() { unix.Close(int(fd)) })
	return int(fd)
}
