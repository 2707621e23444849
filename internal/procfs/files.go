package procfs

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// File is an open descriptor of a process, and what the kernel calls it
// (proc_pid_fd(5)).
type File struct {
	Number int
	Link   string
}

// Socket returns the inode number of a socket; false: the file is none.
func (f File) Socket() (inode uint64, is bool) { return SocketInode(f.Link) }

// Has reports whether a process still has a descriptor. One that has begun to exit has none.
func Has(pid int, f File) bool {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, f.Number))
	return err == nil && link == f.Link
}

// SocketInode reads what the kernel calls a socket: socket:[INODE].
func SocketInode(link string) (inode uint64, is bool) {
	number, begins := strings.CutPrefix(link, "socket:[")
	number, ends := strings.CutSuffix(number, "]")
	inode, err := strconv.ParseUint(number, 10, 64)
	if !begins || !ends || err != nil {
		return 0, false
	}
	return inode, true
}

// Files visits the open descriptors in the table of one thread of a process (thread 0 is
// the process itself), at most so many. Those that are closed meanwhile are left out. An
// error comes instead of a file, and is the last thing unless it is about that file alone:
// the process has ended ([IsGone]), it may not be looked at (the access mode
// PTRACE_MODE_READ_FSCREDS of ptrace(2): the same user, or root), or it has more files
// than that (E2BIG).
func Files(pid, thread, most int) iter.Seq2[File, error] {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	if thread != 0 {
		dir = fmt.Sprintf("/proc/%d/task/%d/fd", pid, thread)
	}
	return func(yield func(File, error) bool) {
		numbers, err := numbersIn(dir, most+1)
		for _, number := range numbers[:min(len(numbers), most)] {
			link, err := os.Readlink(dir + "/" + strconv.Itoa(number))
			if IsGone(err) {
				continue
			}
			if !yield(File{number, link}, err) {
				return
			}
		}
		if err == nil && len(numbers) > most {
			err = unix.E2BIG
		}
		if err != nil {
			yield(File{}, err)
		}
	}
}

// IsGone reports whether a file of /proc is not there (any more): the process has ended,
// or the thread, or the descriptor is closed.
func IsGone(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) }

// Processes are all that are to be seen.
func Processes() []int {
	pids, _ := numbersIn("/proc", -1)
	return pids
}

// Threads are those of a process.
func Threads(pid int) ([]int, error) { return numbersIn(fmt.Sprintf("/proc/%d/task", pid), -1) }

// numbersIn are the names in a directory that are numbers, at most so many; -1 = all.
func numbersIn(dir string, most int) (numbers []int, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	names, err := f.Readdirnames(most)
	if errors.Is(err, io.EOF) { // there is nothing in it
		err = nil
	}
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers, err
}
