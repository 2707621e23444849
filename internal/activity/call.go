package activity

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
)

// class is how the arguments of a system call tell what it is about.
type class uint8

const (
	other    class = iota // by nothing
	onFile                // by a descriptor, the first argument
	connects              // by the address to connect to
	onPath                // by a path, the first argument
	onPathAt              // by a path, the second argument
	polls                 // by an array of struct pollfd
	selects               // by sets of descriptors
	epolls                // by what an epoll descriptor watches
	children              // by a child process
	sleeping              // by a time
	locks                 // by a place in memory
)

// rank is how likely a thread in such a call has a request.
func (c class) rank() int {
	switch c {
	case onFile, connects, onPath, onPathAt:
		return 14
	case polls, selects, children:
		return 12
	case epolls:
		return 10
	case sleeping:
		return 8
	default:
		return 6
	}
}

// classOf tells calls in which a thread may be for long. Those that are not here are told by
// their names alone. It is made when the first thread is looked at.
var classOf = sync.OnceValue(func() map[string]class {
	classes := map[string]class{}
	for c, names := range map[class]string{
		onFile: "read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 recvfrom recvmsg recvmmsg " +
			"sendto sendmsg sendmmsg sendfile splice accept accept4 ioctl fcntl flock fsync fdatasync ftruncate fallocate " +
			"getdents getdents64 close shutdown io_uring_enter",
		connects: "connect",
		onPath:   "open creat stat lstat statfs access unlink rename mkdir rmdir readlink link symlink truncate chdir execve mknod",
		onPathAt: "openat openat2 newfstatat statx faccessat faccessat2 unlinkat renameat renameat2 mkdirat readlinkat mknodat",
		polls:    "poll ppoll", selects: "select pselect6",
		epolls:   "epoll_wait epoll_pwait epoll_pwait2",
		children: "wait4 waitid",
		sleeping: "nanosleep clock_nanosleep pause rt_sigsuspend rt_sigtimedwait restart_syscall",
		locks:    "futex futex_wait futex_waitv semop semtimedop",
	} {
		for name := range strings.FieldsSeq(names) {
			classes[name] = c
		}
	}
	return classes
})

// callName is the name of a system call; one that came after this program was built has
// only a number.
func callName(number uint64) string {
	prefix := "\n" + strconv.FormatUint(number, 10) + " "
	_, rest, found := strings.Cut(names, prefix)
	if !found {
		return fmt.Sprintf("system call %d", number)
	}
	name, _, _ := strings.Cut(rest, "\n")
	return name
}

// understand reads what a call is about.
func (l *Looker) understand(d *doing, pid, thread int, c procfs.Call) {
	d.call = callName(c.Number)
	d.class = classOf()[d.call]
	switch d.class {
	case onFile:
		d.files = l.files(pid, thread, int(int32(c.Args[0])))
	case connects:
		if d.text = addressAt(pid, c.Args[1], int(min(c.Args[2], unix.SizeofSockaddrAny))); d.text == "" {
			d.files = l.files(pid, thread, int(int32(c.Args[0])))
		}
	case onPath:
		d.text = procfs.ReadString(pid, c.Args[0], mostPath)
	case onPathAt:
		d.text = procfs.ReadString(pid, c.Args[1], mostPath)
	case polls:
		d.files = l.files(pid, thread, polled(pid, c)...)
	case selects:
		d.files = l.files(pid, thread, selected(pid, c)...)
	case epolls:
		d.files = l.files(pid, thread, watched(pid, int(int32(c.Args[0])))...)
	case children:
		if child := int32(c.Args[0]); d.call == "wait4" && child > 0 {
			d.text = fmt.Sprintf("process %d", child)
		} else {
			d.text = "a process that it has started"
		}
	}
}

// mostPath is PATH_MAX of limits.h.
const mostPath = 4096

// mostPolled bounds how many descriptors of one wait are looked at.
const mostPolled = 256

func polled(pid int, c procfs.Call) (numbers []int) {
	const size = 8 // struct pollfd: fd, events, revents
	count := min(c.Args[1], mostPolled)
	if count == 0 {
		return nil
	}
	list := make([]byte, int(count)*size)
	if !procfs.ReadMemory(pid, c.Args[0], list) {
		return nil
	}
	for ; len(list) >= size; list = list[size:] {
		if fd := int32(binary.NativeEndian.Uint32(list)); fd >= 0 {
			numbers = append(numbers, int(fd))
		}
	}
	return numbers
}

func selected(pid int, c procfs.Call) (numbers []int) {
	count := int(min(c.Args[0], mostPolled))
	const word = 8 // fd_set is an array of long
	for _, address := range c.Args[1:4] {
		if address == 0 || count == 0 {
			continue
		}
		set := make([]byte, (count+63)/64*word)
		if !procfs.ReadMemory(pid, address, set) {
			continue
		}
		for fd := range count {
			if binary.NativeEndian.Uint64(set[fd/64*word:])>>(fd%64)&1 != 0 {
				numbers = append(numbers, fd)
			}
		}
	}
	return numbers
}

// watched are the descriptors of an epoll set (proc_pid_fdinfo(5)).
func watched(pid, fd int) (numbers []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "tfd:" {
			continue
		}
		if n, err := strconv.Atoi(words[1]); err == nil && len(numbers) < mostPolled {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// addressAt reads a socket address in a process's memory; "" = it cannot be read, or is of
// a family that is not known here.
func addressAt(pid int, address uint64, size int) string {
	if size < 2 {
		return ""
	}
	b := make([]byte, size)
	if !procfs.ReadMemory(pid, address, b) {
		return ""
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET && size >= unix.SizeofSockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:])), binary.BigEndian.Uint16(b[2:])).String()
	case family == unix.AF_INET6 && size >= unix.SizeofSockaddrInet6-4:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:])).Unmap(), binary.BigEndian.Uint16(b[2:])).String()
	case family == unix.AF_UNIX && size > 2 && b[2] == 0:
		b[2] = '@'
		fallthrough
	case family == unix.AF_UNIX:
		name, _, _ := strings.Cut(string(b[2:]), "\x00")
		return name
	}
	return ""
}
