package survivors

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/quiesce"
)

// Orphan is a worker whose availd was killed where no service manager keeps its listening
// socket: it holds it, goes on serving, and nobody else can listen on its address. The next
// availd takes the very socket over from one of them, so that no client is refused, or,
// where the kernel does not let it (Yama's ptrace_scope), ends them.
//
// It is a process of this very user that says in its environment that it is a worker, and
// whose parent does not hold the same listening socket: a living availd does. What cannot be
// found out about a process means that it is no orphan. Parent is who collects it now.
type Orphan struct{ PID, Parent int }

// Holding returns the orphans that hold a listening socket for which matches is true, and
// a descriptor of that socket, close-on-exec and the caller's; -1 = the kernel does not give
// it away. matches gets descriptors that may be any socket.
func Holding(matches func(fd int) bool) (found []Orphan, socket int) {
	socket = -1
	for _, o := range orphanCandidates() {
		fd := takeSocket(o.PID, matches)
		if fd < 0 {
			continue
		}
		if parent := takeSocket(o.Parent, sameSocket(fd)); parent >= 0 {
			_ = unix.Close(parent)
			_ = unix.Close(fd)
			continue // its availd lives
		}
		found = append(found, o)
		if socket >= 0 {
			_ = unix.Close(fd)
			continue
		}
		socket = fd
	}
	return found, socket
}

// Named returns the orphans that hold one of the sockets of these inode numbers, for where
// the kernel gives no descriptor away.
func Named(inodes map[uint64]bool) (found []Orphan) {
	for _, o := range orphanCandidates() {
		if len(socketsOf(o.PID, inodes)) > 0 && len(socketsOf(o.Parent, inodes)) == 0 {
			found = append(found, o)
		}
	}
	return found
}

// orphanCandidates are workers by what they say of themselves.
func orphanCandidates() (list []Orphan) {
	for _, pid := range procfs.Processes() {
		if pid == os.Getpid() || !isWorker(pid) || !isOurs(pid) {
			continue
		}
		if s, ok := procfs.ReadStat(pid); ok {
			list = append(list, Orphan{pid, s.Parent})
		}
	}
	return list
}

// isOurs: what another user calls a worker could be there to get at our clients.
func isOurs(pid int) bool {
	var st unix.Stat_t
	return unix.Stat("/proc/"+strconv.Itoa(pid), &st) == nil && int(st.Uid) == os.Geteuid()
}

// takeSocket returns a copy of the first descriptor of a process for which matches is true, -1 =
// there is none, or the kernel does not let us (pidfd_getfd(2), Linux 5.6).
func takeSocket(pid int, matches func(fd int) bool) int {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1
	}
	defer unix.Close(process)
	for _, number := range socketsOf(pid, nil) {
		fd, err := unix.PidfdGetfd(process, number, 0)
		if err != nil {
			continue
		}
		if matches(fd) {
			return fd
		}
		_ = unix.Close(fd)
	}
	return -1
}

func sameSocket(fd int) func(int) bool {
	var mine unix.Stat_t
	known := unix.Fstat(fd, &mine) == nil
	return func(other int) bool {
		var st unix.Stat_t
		return known && unix.Fstat(other, &st) == nil && st.Ino == mine.Ino && st.Dev == mine.Dev
	}
}

// End asks orphans to retire, kills after patience who has not, and returns when all are
// gone.
func End(list []Orphan, patience time.Duration) {
	var left []quiesce.Process
	for _, o := range list {
		if fd, err := unix.PidfdOpen(o.PID, 0); err == nil {
			left = append(left, quiesce.Process{PID: o.PID, FD: fd})
		}
	}
	defer closeAll(left)
	signalAll(left, unix.SIGCONT) // one may have been stopped for a look
	signalAll(left, unix.SIGTERM)
	if !awaitAll(left, time.Now().Add(patience)) {
		signalAll(left, unix.SIGKILL)
		awaitAll(left, time.Now().Add(patience))
	}
}
