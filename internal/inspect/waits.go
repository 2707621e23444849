package inspect

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/policy"
)

// This file tells what the threads of a process wait for, for observer.go: by the system call
// that each is in, and by the memory and descriptors that the call names.

// verdict gathers what the threads of a worker wait for.
type verdict struct {
	threads           int // that may still be looked at
	socket, uncertain bool
	runs              bool           // a thread runs, or is stopped
	seen              bool           // a thread waits for something else, or a process cannot accept
	accepting         map[int]uint64 // threads in accept(2), and how often each has run so far
}

func (v *verdict) waits() policy.Waits {
	switch {
	case v.socket:
		return atSocket
	case v.uncertain:
		return unknown
	case v.runs:
		return nowhere
	case !v.seen:
		return unknown
	default:
		return elsewhere
	}
}

// process is one that has listening sockets.
type process struct {
	pid     int
	files   map[int]uint64
	listens map[int]bool    // descriptors
	queues  map[uint64]bool // inodes
}

func (v *verdict) process(p process) {
	threads, _ := procfs.Threads(p.pid)
	someElsewhere := false
	for _, thread := range threads {
		if v.threads--; v.threads < 0 {
			v.uncertain = true
			return
		}
		call, waits, err := procfs.CallOf(p.pid, thread)
		if procfs.IsGone(err) {
			continue
		}
		if err != nil || !waits {
			v.uncertain, v.runs = v.uncertain || err != nil, v.runs || err == nil
			continue
		}
		switch w, what := p.thread(call); w {
		case atSocket:
			v.socket = true
			if what == accepts {
				v.accepting[thread] = runs(p.pid, thread)
			}
			return
		case elsewhere:
			someElsewhere = true
		default:
			stopped := isStopped(p.pid, thread)
			v.uncertain, v.runs = v.uncertain || !stopped, v.runs || stopped
		}
	}
	if someElsewhere {
		v.seen = true
		v.uncertain = v.uncertain || !procfs.IsNative(p.pid)
	}
}

// isStopped reports whether a thread is stopped, by a signal or by a debugger.
func isStopped(pid, thread int) bool {
	state := procfs.ThreadState(pid, thread)
	return state == 'T' || state == 't'
}

// thread is what a thread waits for in a call.
func (p process) thread(c procfs.Call) (policy.Waits, what) {
	w := calls[uintptr(c.Number)]
	return p.call(w, c.Args), w
}

// Reads reports whether a thread of a process waits for something to come at one of its
// descriptors: in read(2) or recv(2), or in poll(2) and the like.
func Reads(pid, fd int) bool {
	files, _ := filesOf(pid)
	p := process{pid: pid, files: files, listens: map[int]bool{fd: true}, queues: map[uint64]bool{}}
	if inode := files[fd]; inode != 0 {
		p.queues[inode] = true
	}
	threads, _ := procfs.Threads(pid)
	for _, thread := range threads {
		c, ok, err := procfs.CallOf(pid, thread)
		if err != nil || !ok {
			continue
		}
		switch c.Number {
		case unix.SYS_READ, unix.SYS_READV, unix.SYS_RECVFROM, unix.SYS_RECVMSG:
			if int(c.Args[0]) == fd {
				return true
			}
		default:
			if w, _ := p.thread(c); w == atSocket {
				return true
			}
		}
	}
	return false
}

// runs is how often a thread was given a processor (CONFIG_SCHED_INFO, which
// distributions have on), 0 = that is not told.
func runs(pid, thread int) uint64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/schedstat", pid, thread))
	words := strings.Fields(string(text))
	if len(words) < 3 {
		return 0
	}
	n, _ := strconv.ParseUint(words[2], 10, 64)
	return n
}

// what is what a call waits for.
type what uint8

const (
	another what = iota // a lock that another process may hold, a ring, anything not listed
	accepts             // at the descriptor that is its first argument
	polls               // at some of an array of struct pollfd
	selects             // at some of a set of bits
	epolls              // at those that an epoll descriptor watches
	locks               // futex(2): for another thread, or another process
	nothing             // certainly not at a listening socket
)

func (p process) call(w what, arguments [6]uint64) policy.Waits {
	switch w {
	case accepts:
		return certain(p.listens[int(arguments[0])])
	case polls:
		return p.polls(arguments[0], arguments[1])
	case selects:
		return p.selects(arguments[0], arguments[1])
	case epolls:
		return p.epoll(int(arguments[0]), 0)
	case locks:
		if arguments[1]&futexPrivate == 0 {
			return unknown
		}
		return elsewhere
	case nothing:
		return elsewhere
	default:
		return unknown
	}
}

func certain(itIs bool) policy.Waits {
	if itIs {
		return atSocket
	}
	return elsewhere
}

// futexPrivate is FUTEX_PRIVATE_FLAG of futex(2): what is waited for is a thread of the
// same process, which is looked at, too.
const futexPrivate = 128

// maxPolled bounds how many descriptors of one call are looked at.
const maxPolled = 4096

func (p process) polls(address, count uint64) policy.Waits {
	if count > maxPolled {
		return unknown
	}
	list := make([]unix.PollFd, count)
	if count > 0 && !procfs.ReadMemory(p.pid, address, unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), int(count)*int(unsafe.Sizeof(list[0])))) {
		return unknown // it is over by now; others follow this look
	}
	for _, f := range list {
		if p.listens[int(f.Fd)] {
			return atSocket
		}
	}
	return elsewhere
}

func (p process) selects(count, address uint64) policy.Waits {
	if count == 0 || address == 0 {
		return elsewhere
	}
	if count > maxPolled {
		return unknown
	}
	bits := make([]byte, (count+63)/64*8)
	if !procfs.ReadMemory(p.pid, address, bits) {
		return unknown
	}
	for fd := range p.listens {
		if uint64(fd) < count && bits[fd/8]>>(fd%8)&1 != 0 { // the order of bytes is that of little-endian machines
			return atSocket
		}
	}
	return elsewhere
}

// epoll reads which files an epoll descriptor watches (proc_pid_fdinfo(5)): by number,
// and since Linux 4.13 by inode.
func (p process) epoll(fd, depth int) policy.Waits {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", p.pid, fd))
	if err != nil || depth > 3 {
		return unknown
	}
	found := elsewhere
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "tfd:" {
			continue
		}
		watched, err := strconv.Atoi(words[1])
		if err != nil {
			return unknown
		}
		for _, word := range words {
			text, is := strings.CutPrefix(word, "ino:")
			if inode, err := strconv.ParseUint(text, 16, 64); is && err == nil && p.queues[inode] {
				return atSocket
			}
		}
		if p.listens[watched] {
			return atSocket
		}
		if link, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", p.pid, watched)); strings.Contains(link, "[eventpoll]") {
			switch p.epoll(watched, depth+1) {
			case atSocket:
				return atSocket
			case unknown:
				found = unknown
			}
		}
	}
	return found
}
