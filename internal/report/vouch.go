package report

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxAncestors bounds the way up the process tree. Real workers are a shell
// or two away.
const maxAncestors = 32

// Vouched returns the worker that pid is or descends from. It asks /proc and
// is meant for --notify-access=all only: a process that has ended, or whose
// parent has, cannot be vouched for, and neither can one that the caller may
// not see (hidepid=, proc(5)).
func Vouched(pid int, isWorker func(pid int) bool) (worker int, ok bool) {
	for range maxAncestors {
		if pid <= 1 {
			return 0, false
		}
		if isWorker(pid) {
			return pid, true
		}
		if pid, ok = parent(pid); !ok {
			return 0, false
		}
	}
	return 0, false
}

// parent reads the fourth field of /proc/PID/stat, proc_pid_stat(5). The
// second is the command in parentheses and may hold anything, parentheses
// and spaces too, so that counting starts after the last one.
func parent(pid int) (int, bool) {
	var buf [1024]byte
	b, ok := readProc("/proc/"+strconv.Itoa(pid)+"/stat", buf[:])
	if !ok {
		return 0, false
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 2 {
		return 0, false
	}
	ppid, err := strconv.Atoi(string(fields[1]))
	return ppid, err == nil
}

// readProc reads the start of a file without the Go runtime's poller.
func readProc(path string, buf []byte) ([]byte, bool) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, false
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buf)
	if err != nil || n <= 0 {
		return nil, false
	}
	return buf[:n], true
}
