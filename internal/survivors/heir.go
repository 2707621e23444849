package survivors

import (
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
)

// ticks is USER_HZ, in which /proc counts time whatever the kernel's own clock is.
const ticks = 100

// startSlack is more than the rounding of a start time to ticks.
const startSlack = 50 * time.Millisecond

// Heir finds the process that a worker has left behind to accept in its place, as a
// program does that puts itself into the background: it was started while the worker
// lived (age), it has one of the listening sockets open (inode numbers), and neither it
// nor an ancestor of it is known. The pidfd is the caller's. Of several it is the
// oldest.
//
// It reads /proc/PID/stat and the links in /proc/PID/fd, neither of which waits for the
// process (their memory is not touched). Processes of another user are not seen without
// CAP_SYS_PTRACE (ptrace(2), PTRACE_MODE_READ_FSCREDS). How many there are is somebody
// else's affair, so the youngest mostStrangers are looked at, by their numbers: one that the
// worker has started has a higher one, or a low one where numbers have begun anew.
func Heir(worker int, sockets map[uint64]bool, age time.Duration, known func(pid int) bool) (pid, fd int, ok bool) {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return 0, -1, false
	}
	since := uint64(max(0, time.Duration(now.Nano())-age-startSlack)) / uint64(time.Second/ticks)
	var best procfs.Stat
	for _, candidate := range strangers(worker, known) {
		s, there := procfs.ReadStat(candidate)
		if !there || s.Start < since || pid != 0 && s.Start >= best.Start || descends(s, known) || len(socketsOf(candidate, sockets)) == 0 {
			continue
		}
		pid, best = candidate, s
	}
	if pid == 0 {
		return 0, -1, false
	}
	fd, err := unix.PidfdOpen(pid, 0) // close-on-exec
	if err != nil {
		return 0, -1, false
	}
	if again, there := procfs.ReadStat(pid); !there || again.Start != best.Start {
		_ = unix.Close(fd)
		return 0, -1, false
	}
	return pid, fd, true
}

// mostStrangers bounds how many processes are looked at: a look takes some 50 µs of the
// caller's time. firstPID is about where numbers begin anew (RESERVED_PIDS of the kernel is
// 300).
const (
	mostStrangers = 128
	firstPID      = 2000
)

// strangers are the processes that may be younger than the worker, and are not known.
func strangers(worker int, known func(pid int) bool) []int {
	list := slices.DeleteFunc(neighbours(), func(pid int) bool {
		return pid <= worker && pid > firstPID || pid == os.Getpid() || known(pid)
	})
	slices.Sort(list)
	return list[max(0, len(list)-mostStrangers):]
}

// descends reports whether a process has a known ancestor: what a living worker has
// started is its own affair.
func descends(s procfs.Stat, known func(int) bool) bool {
	found := false
	procfs.Ancestors(s.Parent, func(pid int) bool {
		found = known(pid)
		return !found
	})
	return found
}
