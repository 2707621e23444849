package spawn

import (
	"os"

	"golang.org/x/sys/unix"
)

// A template forks twice, so that the worker becomes the child of this process when the
// one between them has ended. That is a moment after the worker has said that it is there.

// OwnGroup gives a child that has executed no program a process group of its own, unless
// it has made one. It fails for what is not a child (yet), and for one in another session.
func OwnGroup(pid int) error {
	if GroupOf(pid) == pid {
		return nil
	}
	return os.NewSyscallError("setpgid", unix.Setpgid(pid, pid))
}

// GroupOf is the process group of a process, dead ones that nobody has collected included;
// 0 = there is no such process.
func GroupOf(pid int) int {
	group, err := unix.Getpgid(pid)
	if err != nil {
		return 0
	}
	return group
}

// OpenPidfd returns a pidfd of a process, close-on-exec and the caller's.
func OpenPidfd(pid int) (int, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	return fd, os.NewSyscallError("pidfd_open", err)
}
