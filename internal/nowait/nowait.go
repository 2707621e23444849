// Package nowait makes system calls that return at once, without telling Go's
// scheduler of them, and sees to it that those which may wait find a thread to do so.
//
// What package unix calls is announced, as it may wait: the process counts as idle
// meanwhile, and its monitor thread (sysmon in the runtime's proc.go), if it sleeps, is
// woken to look at it.
//
// So nothing here may be used where the kernel could wait: each function says what
// makes sure of that. One that waits all the same holds up the other goroutines, too,
// until a signal comes.
//
// Errors are those of package unix, and EINTR is one of them.
package nowait

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Close is close(2) of what the caller has made or the kernel has: pidfds, eventfds, and
// sockets that never had anything of another process in them. For others there is
// [CloseElsewhere].
func Close(fd int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
	return failure(errno)
}

// Read is read(2) of a descriptor with O_NONBLOCK that nobody else has: who shares its
// description can clear the flag (see [ReadShared]).
func Read(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return count(n, errno)
}

// ReadShared is preadv2(2) with RWF_NOWAIT at the file's own position, which waits for
// nobody whatever flags the description has. An eventfd knows it since Linux 5.8; the
// error is EOPNOTSUPP where a file does not, and ENOSYS where the system call is missing.
func ReadShared(fd int, p []byte) (int, error) {
	vector := unix.Iovec{Base: unsafe.SliceData(p)}
	vector.SetLen(len(p))
	n, _, errno := unix.RawSyscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&vector)), 1,
		^uintptr(0), ^uintptr(0), unix.RWF_NOWAIT) // -1: no position
	return count(n, errno)
}

// Write is write(2) to a descriptor with O_NONBLOCK that nobody else has.
func Write(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return count(n, errno)
}

// Poll is poll(2) with a time of 0. A signal interrupts even that, once nothing was
// found (fs/select.c of Linux).
func Poll(fds []unix.PollFd) (int, error) {
	var zero unix.Timespec
	n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)),
		uintptr(unsafe.Pointer(&zero)), 0, 0, 0)
	return count(n, errno)
}

// Accept is accept4(2) of a listener with O_NONBLOCK. The kernel writes the peer's
// address; the descriptor is the caller's.
func Accept(listener, flags int, peer *unix.RawSockaddrAny) (int, error) {
	size := uint32(unix.SizeofSockaddrAny)
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(peer)),
		uintptr(unsafe.Pointer(&size)), uintptr(flags), 0, 0)
	return count(n, errno)
}

// Recv is recvfrom(2) with MSG_DONTWAIT, and without the sender. It is not for Unix
// sockets on which descriptors may arrive: the kernel would close those within it.
func Recv(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		unix.MSG_DONTWAIT, 0, 0)
	return count(n, errno)
}

// Recvmsg is recvmsg(2) with MSG_DONTWAIT and the flags. The caller keeps alive what
// the header points at.
func Recvmsg(fd int, header *unix.Msghdr, flags int) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(header)), uintptr(unix.MSG_DONTWAIT|flags))
	return count(n, errno)
}

// Option is getsockopt(2). It returns how many bytes of value the kernel knows.
func Option[T any](fd, level, name int, value *T) (size int, err error) {
	n := uint32(unsafe.Sizeof(*value))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(value)), uintptr(unsafe.Pointer(&n)), 0)
	return int(n), failure(errno)
}

// Reap is wait4(2) with WNOHANG of exactly that child; 0 = it has not ended.
func Reap(pid int, status *unix.WaitStatus) (int, error) {
	var code int32
	n, _, errno := unix.RawSyscall6(unix.SYS_WAIT4, uintptr(pid), uintptr(unsafe.Pointer(&code)), unix.WNOHANG, 0, 0, 0)
	*status = unix.WaitStatus(code)
	return count(n, errno)
}

// Stat is fstat(2) of what is on no disk and no network.
func Stat(fd int, stat *unix.Stat_t) error {
	if !plain {
		return unix.Fstat(fd, stat)
	}
	_, _, errno := unix.RawSyscall(unix.SYS_FSTAT, uintptr(fd), uintptr(unsafe.Pointer(stat)), 0)
	return failure(errno)
}

// StatFS is fstatfs(2) of what is on no disk and no network.
func StatFS(fd int, stat *unix.Statfs_t) error {
	if !plain {
		return unix.Fstatfs(fd, stat)
	}
	_, _, errno := unix.RawSyscall(unix.SYS_FSTATFS, uintptr(fd), uintptr(unsafe.Pointer(stat)), 0)
	return failure(errno)
}

// plain are architectures on which the call of that name fills package unix's structure.
const plain = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

func count(n uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

func failure(errno unix.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}
