package activation

import (
	"fmt"
	"os"

	systemd "github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// Inherited takes over what the service manager passed. The bool is false
// when there was no activation at all, that is, no LISTEN_ variable. The
// variables are gone from the environment afterwards, whatever the outcome.
//
// On error no descriptor is left open, unless the variables themselves could
// not be believed: then nobody knows which ones to close.
func Inherited() (Set, bool, error) {
	defer forget()
	if received, ok, err := handedOver(); ok {
		set, ok, err := completeSet(received, err)
		set.HandedOver = ok
		return set, ok, err
	}
	t, complaint, ok, err := readTable(os.LookupEnv)
	if err != nil || !ok {
		return Set{}, false, err
	}
	if err := present(t); err != nil {
		return Set{}, false, err
	}
	set, ok, err := completeSet(take(t))
	set.Complaint = complaint
	return set, ok, err
}

// completeSet inspects what was received. On error it is closed.
func completeSet(received []Stored, err error) (Set, bool, error) {
	if err != nil {
		return Set{}, false, err
	}
	set, err := sortOut(received)
	if err != nil {
		closeReceived(received)
		return Set{}, false, err
	}
	return set, true, nil
}

// present checks that every descriptor of the table came through exec. A
// number that is close-on-exec did not: the Go runtime opened it since (it
// may keep an epoll descriptor or the cgroup's CPU limit), because the
// number was free.
func present(t table) error {
	for i, name := range t {
		fd := firstFD + i
		if inherited(fd) {
			continue
		}
		closeInherited(len(t))
		return &Error{
			What: fmt.Sprintf("descriptor %d (%q) of LISTEN_FDS=%d is closed, so no socket is taken", fd, name, len(t)),
			Hint: "look for a wrapper in ExecStart= that closes descriptors",
		}
	}
	return nil
}

func inherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

func closeInherited(count int) {
	for fd := firstFD; fd < firstFD+count; fd++ {
		if inherited(fd) {
			_ = unix.Close(fd)
		}
	}
}

// take moves the descriptors out of the *os.File go-systemd makes of them:
// such a file closes its descriptor when it is collected, and a non-blocking
// one sits in the runtime's epoll set. The duplicate is in neither, and
// F_DUPFD leaves the flags of the shared description as they are.
func take(t table) ([]Stored, error) {
	files := systemd.Files(true)
	if len(files) != len(t) {
		panic("activation: go-systemd read another table")
	}
	received := make([]Stored, 0, len(files))
	var failed error
	for i, f := range files {
		fd, err := duplicate(f)
		if err != nil {
			failed = fmt.Errorf("take over descriptor %d (%q): %w", firstFD+i, t[i], err)
		} else {
			received = append(received, Stored{FD: fd, Name: t[i]})
		}
		_ = f.Close()
	}
	if failed != nil {
		closeReceived(received)
		return nil, failed
	}
	return received, nil
}

func duplicate(f *os.File) (int, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	var dup int
	var errno error
	// Not f.Fd(), which may set the description to blocking.
	if err := conn.Control(func(fd uintptr) {
		dup, errno = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, firstFD)
	}); err != nil {
		return -1, err
	}
	return dup, os.NewSyscallError("fcntl", errno)
}

func closeReceived(received []Stored) {
	for _, r := range received {
		_ = unix.Close(r.FD)
	}
}
