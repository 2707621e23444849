package quiesce

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
)

// file is an open descriptor of a process, seen from outside.
type file struct {
	pid, thread, number int
	link                string // what proc_pid_fd(5) says of it
	inode               uint64 // of a socket, 0 = it is none
}

func (f file) path() string { return fmt.Sprintf("/proc/%d/task/%d/fd/%d", f.pid, f.thread, f.number) }

// info is what the kernel says of the open file (proc_pid_fdinfo(5)).
func (f file) info() (string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/fdinfo/%d", f.pid, f.thread, f.number))
	return string(data), err
}

// mostFiles bounds how much of a process is looked at.
const mostFiles = 1 << 16

// descriptors lists what a process has open. Threads may have tables of their own
// (unshare(2) with CLONE_FILES): those that have are listed, too.
func descriptors(pid int, mayCompare bool) (list []file, err error) {
	threads, err := procfs.Threads(pid)
	if err != nil {
		return nil, err
	}
	for _, thread := range threads {
		if thread != pid && mayCompare && sameTable(pid, thread) {
			continue
		}
		list, err = table(list, pid, thread)
		if err != nil && !(thread != pid && procfs.IsGone(err)) {
			return nil, err
		}
	}
	return list, nil
}

func table(list []file, pid, thread int) ([]file, error) {
	for f, err := range procfs.Files(pid, thread, mostFiles-len(list)) {
		if err != nil {
			return list, err
		}
		inode, _ := f.Socket()
		list = append(list, file{pid: pid, thread: thread, number: f.Number, link: f.Link, inode: inode})
	}
	return list, nil
}

func fileOf(pid, thread, number int) (file, error) {
	f, err := fileAt(file{pid: pid, thread: thread, number: number}.path())
	f.pid, f.thread, f.number = pid, thread, number
	return f, err
}

func fileAt(path string) (f file, err error) {
	if f.link, err = os.Readlink(path); err != nil {
		return f, err
	}
	f.inode, _ = procfs.SocketInode(f.link)
	return f, nil
}

// kcmpFiles is KCMP_FILES of <linux/kcmp.h>.
const kcmpFiles = 2

// sameTable reports whether a thread shares the descriptors of its process; false also
// where that cannot be told (kcmp(2)).
func sameTable(pid, thread int) bool {
	differ, _, errno := unix.Syscall6(unix.SYS_KCMP, uintptr(pid), uintptr(thread), kcmpFiles, 0, 0, 0)
	return errno == 0 && differ == 0
}

// passes reports whether descriptors that were sent to a Unix socket wait there to be
// received; they are in no table meanwhile (scm_fds of Linux 5.6).
func (f file) passes() bool {
	info, err := f.info()
	if err != nil {
		return !procfs.IsGone(err)
	}
	return passesIn(info)
}

func passesIn(info string) bool {
	_, count, found := strings.Cut(info, "scm_fds:")
	return found && strings.TrimSpace(strings.SplitN(count, "\n", 2)[0]) != "0"
}

// ringEntry is a file that was registered with an io_uring, as its information has it.
var ringEntry = regexp.MustCompile(`(?m)^\s*\d+: (.*)$`)

// ring judges an io_uring: it may have files that are in no table (direct descriptors
// of io_uring_register_files(3)), and operations that go on with a file that is closed.
// One of the latter that accepts does not matter, as a stopped process carries out none.
func (l *Looker) ring(f file) kind {
	info, err := f.info()
	if err != nil {
		return unknown
	}
	return l.ringOf(info)
}

func (l *Looker) ringOf(info string) kind {
	_, files, known := strings.Cut(info, "\nUserFiles:\t")
	files, rest, hasEnd := strings.Cut(files, "\nUserBufs:")
	_, pending, lists := strings.Cut(rest, "\nPollList:\n")
	if !known || !hasEnd || !lists {
		return unknown
	}
	for _, e := range ringEntry.FindAllStringSubmatch(files, -1) {
		if inode, isSocket := procfs.SocketInode(e[1]); e[1] != "<none>" && !(isSocket && l.ours[inode]) {
			return unknown
		}
	}
	pending, _, _ = strings.Cut(pending, "CqOverflowList:")
	for line := range strings.Lines(pending) {
		if !strings.HasPrefix(strings.TrimSpace(line), ringAccept) {
			return unknown
		}
	}
	return harmless
}

// ringAccept begins the line of a pending IORING_OP_ACCEPT of <linux/io_uring.h>.
const ringAccept = "op=13,"
