//go:build linux && (amd64 || arm64)

package spawn

import (
	"math"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is one system call of a child: its number, and its arguments. All must
// succeed.
type call struct {
	number    uintptr
	arguments [6]uintptr
}

const callWords = int(unsafe.Sizeof(call{})) / wordSize

// callList is what a child does, in order.
type callList struct {
	*block
	list []call
}

func (l *callList) add(number uintptr, arguments ...uintptr) {
	c := call{number: number}
	copy(c.arguments[:], arguments)
	l.list = append(l.list, c)
}

var callNames = map[uintptr]string{
	unix.SYS_CLOSE_RANGE: "close_range", unix.SYS_SETPGID: "setpgid", unix.SYS_SETSID: "setsid", unix.SYS_DUP3: "dup3", unix.SYS_FCNTL: "fcntl",
	unix.SYS_OPENAT: "open /dev/null", unix.SYS_RT_SIGACTION: "rt_sigaction", unix.SYS_PRLIMIT64: "prlimit",
	unix.SYS_RT_SIGPROCMASK: "rt_sigprocmask", unix.SYS_EXECVE: "execve",
}

// atCWD is AT_FDCWD as a register has it.
const atCWD = uintptr(unix.AT_FDCWD & math.MaxUint32)

// maxCalls bounds the calls of a child.
func (c *Command) maxCalls(h Handover) int { return 64 + 8 + 2*len(h.Files) }

// instruct writes what a child does until it executes the command: it takes the
// descriptors, leaves its parent's process group, or session, and takes off what Go has
// made of limits and signals. Signals are let in last, when there is no handler
// any more that they could find.
func (c *Command) instruct(l *callList, h Handover, path, argv, envp uintptr) {
	if c.Session {
		l.add(unix.SYS_SETSID)
	} else {
		l.add(unix.SYS_SETPGID, 0, 0)
	}
	l.takeFiles(h.Files)
	if limit := l.limit(c.Descriptors); limit != 0 {
		l.add(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, limit, 0)
	}
	l.resetSignals(c.IgnoreSIGPIPE)
	l.add(unix.SYS_EXECVE, path, argv, envp)
}

// takeFiles makes the files the child's descriptors from 0 on. Until the first
// call the table is the parent's, which keeps the files open until the start is
// over: copying it would cost the more, the more workers there are, and all but the
// files are closed anyway. That call leaves the child a table of its own with those
// that are worth copying (CLOSE_RANGE_UNSHARE of close_range(2), Linux 5.9). Above
// them the numbers are free for those that stand where another has to be. The last
// call closes the rest: were it left to the exec, which may take long, the client of
// another worker would see its connection open after that worker has closed it.
func (l *callList) takeFiles(files []int) {
	free := uintptr(len(files))
	for _, fd := range files {
		free = max(free, uintptr(fd+1))
	}
	l.add(unix.SYS_CLOSE_RANGE, free, math.MaxUint32, unix.CLOSE_RANGE_UNSHARE)
	from := slices.Clone(files)
	if len(from) > 0 && from[0] == Null && hasNullInput() {
		from[0] = 0 // it need not be opened anew
	}
	for i, fd := range from {
		if fd != Null && fd != i && fd < len(files) {
			from[i] = int(free)
			l.add(unix.SYS_DUP3, uintptr(fd), free, unix.O_CLOEXEC)
			free++
		}
	}
	null := l.text("/dev/null", 0)
	for i, fd := range from {
		to := uintptr(i)
		switch fd {
		case Null: // open(2) takes the lowest number that is free
			l.add(unix.SYS_CLOSE_RANGE, to, to, 0)
			l.add(unix.SYS_OPENAT, atCWD, null, unix.O_RDONLY)
		case i:
			l.add(unix.SYS_FCNTL, to, unix.F_SETFD, 0)
		default:
			l.add(unix.SYS_DUP3, uintptr(fd), to, 0)
		}
	}
	l.add(unix.SYS_CLOSE_RANGE, uintptr(len(files)), math.MaxUint32, 0)
}

// limit is where the limit is that the child sets, 0 if it has it already. A
// limit that is not what Go makes of the one that availd was started with is
// somebody's wish (prlimit(1)), and stays.
func (l *callList) limit(began unix.Rlimit) uintptr {
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &now) != nil || now.Max != began.Max || now.Cur != began.Max-1 {
		return 0
	}
	words := l.words(2)
	words[0], words[1] = uintptr(began.Cur), uintptr(began.Max)
	return address(words)
}

// resetSignals gives every signal its default disposition, SIGPIPE the one that
// availd found, and empties the mask.
func (l *callList) resetSignals(ignoreSIGPIPE bool) {
	const words = int(unsafe.Sizeof(sigaction{})) / wordSize
	byDefault, ignore := l.words(words), l.words(words)
	ignore[0] = sigIgn
	for sig := uintptr(1); sig <= signals; sig++ {
		switch {
		case sig == uintptr(unix.SIGKILL) || sig == uintptr(unix.SIGSTOP):
		case sig == uintptr(unix.SIGPIPE) && ignoreSIGPIPE:
			l.add(unix.SYS_RT_SIGACTION, sig, address(ignore), 0, 8)
		default:
			l.add(unix.SYS_RT_SIGACTION, sig, address(byDefault), 0, 8)
		}
	}
	l.add(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, address(l.words(1)), 0, 8)
}

// signals is the number of the last one.
const signals = 64
