package quiesce

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
)

// call is the system call in which a thread waits.
type call struct {
	thread int
	procfs.Call
}

// calls are those of all threads of a process; false: one of them does not wait in a
// system call, or that may not be seen.
func calls(pid int) (list []call, all bool) {
	threads, err := procfs.Threads(pid)
	if err != nil {
		return nil, false
	}
	for _, thread := range threads {
		c, waits, err := procfs.CallOf(pid, thread)
		if procfs.IsGone(err) {
			continue
		}
		if err != nil || !waits {
			return nil, false
		}
		list = append(list, call{thread, c})
	}
	return list, len(list) > 0
}

// waitsInAccept reports whether a process waits for a connection at one of our sockets
// and does nothing else: at least one thread is in accept(2), and the others wait for
// each other. accept(2) goes on after a signal whose handler returns, if the handler was
// installed with SA_RESTART (signal(7)) or the language calls it again, so a program
// whose handler only sets a flag does not look at it before the next client comes.
func (l *Looker) waitsInAccept(p Process) bool {
	list, all := calls(p.PID)
	if !all {
		return false
	}
	accepting := false
	for _, c := range list {
		switch {
		case isAccept(c) && l.queues[inodeOf(p.PID, c.thread, c.Args[0])]:
			accepting = true
		case !waitsForThread(c):
			return false
		}
	}
	return accepting
}

func inodeOf(pid, thread int, fd uint64) uint64 {
	f, _ := fileOf(pid, thread, int(uint32(fd)))
	return f.inode
}

func isAccept(c call) bool { return c.Number == sysAccept || c.Number == unix.SYS_ACCEPT4 }

// waitsForThread: it waits without a limit in time to be woken by another thread
// (FUTEX_WAIT or FUTEX_WAIT_BITSET of futex(2)).
func waitsForThread(c call) bool {
	const operation, wait, waitBits = 0x7f, 0, 9
	op := c.Args[1] & operation
	return c.Number == unix.SYS_FUTEX && (op == wait || op == waitBits) && c.Args[3] == 0
}

// waitsFor returns the sockets from which a thread waits for something to come, by
// inode; nil: it waits for something else, or does not wait.
func waitsFor(pid int, c call) []uint64 {
	var numbers []int
	switch {
	case isAccept(c), isRead(c):
		numbers = []int{int(uint32(c.Args[0]))}
	case isPoll(c):
		numbers = polled(pid, c)
	case isSelect(c):
		numbers = selected(pid, c)
	}
	var inodes []uint64
	for _, n := range numbers {
		f, err := fileOf(pid, c.thread, n)
		if err != nil || f.inode == 0 {
			return nil
		}
		inodes = append(inodes, f.inode)
	}
	return inodes
}

func isRead(c call) bool {
	switch c.Number {
	case unix.SYS_READ, unix.SYS_READV, sysRecvfrom, unix.SYS_RECVMSG:
		return true
	}
	return false
}

// mostPolled bounds how many descriptors of one wait are looked at.
const mostPolled = 1024

// polled are the descriptors of a poll(2) that waits for something to come.
func polled(pid int, c call) (numbers []int) {
	const size = 8 // struct pollfd: fd, events, revents
	n := c.Args[1]
	if n == 0 || n > mostPolled {
		return nil
	}
	list := make([]byte, int(n)*size)
	if !procfs.ReadMemory(pid, c.Args[0], list) {
		return nil
	}
	for ; len(list) >= size; list = list[size:] {
		fd, events := int32(native.Uint32(list)), native.Uint16(list[4:])
		switch {
		case fd < 0:
		case events&unix.POLLOUT != 0 || events&unix.POLLIN == 0:
			return nil
		default:
			numbers = append(numbers, int(fd))
		}
	}
	return numbers
}

// selected are the descriptors of a select(2) that waits for something to come.
func selected(pid int, c call) (numbers []int) {
	n := c.Args[0]
	if n == 0 || n > mostPolled || c.Args[2] != 0 {
		return nil
	}
	const word = 8 // fd_set is an array of long
	set := make([]byte, int(n+63)/64*word)
	if !procfs.ReadMemory(pid, c.Args[1], set) {
		return nil
	}
	for fd := range int(n) {
		if native.Uint64(set[fd/64*word:])>>(fd%64)&1 != 0 {
			numbers = append(numbers, fd)
		}
	}
	return numbers
}
