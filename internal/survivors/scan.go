// Package survivors finds the processes that outlived an availd, and ends those that are
// not wanted any more.
//
// With KillMode=process systemd leaves workers alone when availd ends. So the next availd of
// the service adopts them ([Find]); where no service manager keeps their listening socket, it
// takes that over from one of them ([Holding]); a worker that puts itself into the background
// leaves another in its place ([Heir]); and after a stop of the service, whose port they would
// hold, `availd reap` ends them ([Reap]).
//
// # Diagnostics
//
// What cannot be found out about a process means that it is not one of those: it is left
// alone. A control group that cannot be read is an error of Reap; a process that ends by
// itself meanwhile is not.
package survivors

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/worker"
)

// members are the pids in the control group of the unit that this process runs in.
func members() []int {
	unit, err := procfs.OwnUnit()
	if err != nil {
		return nil
	}
	pids, _ := unit.Members()
	return pids
}

// neighbours are the members of the unit's control group; without a unit, all processes
// that are to be seen.
func neighbours() []int {
	if pids := members(); len(pids) > 0 {
		return pids
	}
	return procfs.Processes()
}

// isWorker reports whether a process says in its first environment that it is a worker, or
// was started by one.
func isWorker(pid int) bool {
	_, says := procfs.Environ(pid, worker.EnvGeneration)
	return says
}

// mostFiles bounds how many descriptors of a process are looked at.
const mostFiles = 1 << 16

// socketsOf are the numbers of the descriptors of a process that are sockets, of the given
// inode numbers or, nil, of any. It reads links, which does not wait for the process. Those of
// another user are not seen without CAP_SYS_PTRACE (ptrace(2), PTRACE_MODE_READ_FSCREDS).
func socketsOf(pid int, inodes map[uint64]bool) (numbers []int) {
	for f, err := range procfs.Files(pid, 0, mostFiles) {
		if inode, is := f.Socket(); err == nil && is && (inodes == nil || inodes[inode]) {
			numbers = append(numbers, f.Number)
		}
	}
	return numbers
}

func signalAll(left []quiesce.Process, sig unix.Signal) {
	for _, p := range left {
		_ = unix.PidfdSendSignal(p.FD, sig, nil, 0)
	}
}

// awaitAll reports whether all have ended by then.
func awaitAll(left []quiesce.Process, by time.Time) bool {
	for _, p := range left {
		for {
			fds := []unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}}
			n, err := unix.Poll(fds, int(max(0, time.Until(by).Milliseconds())))
			if err == unix.EINTR {
				continue
			}
			if n == 0 {
				return false
			}
			break
		}
	}
	return true
}

func closeAll(left []quiesce.Process) {
	for _, p := range left {
		_ = unix.Close(p.FD)
	}
}
