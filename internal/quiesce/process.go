package quiesce

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// yields is how often the CPU is left to a process that was sent SIGSTOP: it has
// to run once more to stop.
const yields = 20

// awaitStop reports whether all threads of a process are stopped.
func awaitStop(pid int) (stopped, gone bool) {
	for range yields {
		if stopped, gone = isStopped(pid); stopped || gone {
			return stopped, gone
		}
		_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
	return false, false
}

func isStopped(pid int) (stopped, gone bool) {
	dir := fmt.Sprintf("/proc/%d/task", pid)
	threads, err := os.ReadDir(dir)
	if err != nil {
		return false, true
	}
	for _, t := range threads {
		stat, err := os.ReadFile(dir + "/" + t.Name() + "/stat")
		if isGone(err) {
			continue
		}
		if err != nil {
			return false, false
		}
		// The name in parentheses may hold anything; the state is what follows
		// (proc_pid_stat(5)).
		i := bytes.LastIndexByte(stat, ')')
		switch {
		case i < 0 || i+2 >= len(stat):
			return false, false
		case stat[i+2] == 'Z' || stat[i+2] == 'X':
			return false, true
		case stat[i+2] != 'T':
			return false, false
		}
	}
	return len(threads) > 0, false
}

// sockets are the inode numbers of the sockets that a process has open.
func sockets(pid int) ([]uint64, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var inodes []uint64
	for _, f := range files {
		link, err := os.Readlink(dir + "/" + f.Name())
		if err != nil && !isGone(err) {
			return nil, err
		}
		if inode, ok := socketInode(link); ok {
			inodes = append(inodes, inode)
		}
	}
	return inodes, nil
}

// socketAt is one of them.
func socketAt(pid, fd int) (inode uint64, err error) {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
	if err != nil {
		return 0, err
	}
	inode, ok := socketInode(link)
	if !ok {
		return 0, unix.ENOTSOCK
	}
	return inode, nil
}

// socketInode reads what a descriptor's link says of a socket (proc_pid_fd(5)).
func socketInode(link string) (uint64, bool) {
	number, ok := strings.CutPrefix(link, "socket:[")
	inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
	return inode, ok && err == nil
}

// children are the processes that a process has started, as far as the kernel
// tells (CONFIG_PROC_CHILDREN, which distributions have on).
func children(pid int) (pids []int, err error) {
	dir := fmt.Sprintf("/proc/%d/task", pid)
	threads, err := os.ReadDir(dir)
	for _, t := range threads {
		list, failed := os.ReadFile(dir + "/" + t.Name() + "/children")
		if failed != nil && !isGone(failed) {
			err = failed
		}
		for _, word := range strings.Fields(string(list)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids, err
}

// isGone reports whether a file of /proc is not there (any more): the process has
// ended, or the thread, or the descriptor is closed.
func isGone(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) }
