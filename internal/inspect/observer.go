package inspect

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/policy"
)

// This file looks at single workers: whether they wait for connections at the listening
// sockets, and whether they hold one that was accepted there. It is what a reload goes by
// where workers do not report, and what tells a worker that says READY=1 and never accepts
// from one that nobody has asked for anything yet.
//
// A look reads /proc/PID/fd and /proc/PID/task/TID/syscall of the worker and of what it has
// started, without stopping anybody. What a thread waits for is told by the system call that
// it is in (waits.go): accept(2), or poll(2), select(2) and epoll_wait(2) with a listening
// socket among their descriptors. Reading that takes the access mode
// PTRACE_MODE_ATTACH_FSCREDS of ptrace(2): the same user, or root; Yama lets a parent look at
// its children. What cannot be seen is unknown, and not held.
//
// A look may take long, as another process's memory is read: it belongs into a goroutine that
// nobody waits for.

// What a look can tell of what a worker waits for.
const (
	unknown   = policy.WaitsUnknown   // some thread cannot be looked at, or waits for what does not tell
	atSocket  = policy.WaitsAtSocket  // a thread waits at a listening socket
	elsewhere = policy.WaitsElsewhere // every thread is in a call that takes no connection, or none has a socket
	nowhere   = policy.WaitsNowhere   // some thread runs, or is stopped, and no other one waits at a socket
)

// Worker is one to look at.
type Worker struct {
	PID        int
	Generation uint64
}

// Bounds of one look: a worker may have as many processes and threads as it likes.
const (
	maxProcesses   = 32
	maxThreads     = 128
	maxDescriptors = 1 << 16 // of a process
)

// Observer knows the listening sockets. It belongs to one goroutine.
type Observer struct {
	diag   *sockdiag.Conn
	queues map[uint64]bool // inodes of the listening sockets
	names  map[string]bool // of Unix ones
	ports  map[port]bool
	tcp    map[uint64]bool           // inodes of connections of the ports, as of this round
	held   map[uint64]map[uint64]int // the process that had each connection, by generation
	began  map[uint64]map[int]uint64 // threads that were seen in accept(2) first, by generation
}

type port struct {
	family uint8
	number uint16
}

// NewObserver returns a Observer for these listening sockets, which stay the caller's.
func NewObserver(listeners []int) *Observer {
	o := &Observer{
		diag: sockdiag.New(), queues: map[uint64]bool{}, names: map[string]bool{}, ports: map[port]bool{},
		tcp: map[uint64]bool{}, held: map[uint64]map[uint64]int{}, began: map[uint64]map[int]uint64{},
	}
	for _, fd := range listeners {
		o.listener(fd)
	}
	return o
}

func (o *Observer) listener(fd int) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return
	}
	o.queues[st.Ino] = true
	address, _ := unix.Getsockname(fd)
	switch a := address.(type) {
	case *unix.SockaddrUnix:
		o.names[a.Name] = true
	case *unix.SockaddrInet4:
		o.ports[port{unix.AF_INET, uint16(a.Port)}] = true
	case *unix.SockaddrInet6:
		o.ports[port{unix.AF_INET6, uint16(a.Port)}] = true
	}
}

// Round begins a round of looks: the connections there are now count for all of them.
// What was remembered of workers that are in question no more, those of other
// generations, is forgotten.
func (o *Observer) Round(generations map[uint64]bool) {
	clear(o.tcp)
	for p := range o.ports {
		_ = o.diag.Connections(p.family, p.number, func(inode uint32) { o.tcp[uint64(inode)] = true })
	}
	for g := range o.held {
		if !generations[g] {
			delete(o.held, g)
			delete(o.began, g)
		}
	}
}

// Look looks at one worker.
func (o *Observer) Look(w Worker) policy.Observation {
	f, generation := policy.Observation{Worker: w.PID, Generation: w.Generation}, w.Generation
	now := map[uint64]int{}
	v := verdict{threads: maxThreads, accepting: map[int]uint64{}}
	family := procfs.Family(w.PID, maxProcesses)
	v.uncertain = len(family) == maxProcesses // there may be more
	for _, p := range family {
		files, hidden := filesOf(p)
		listens := map[int]bool{}
		for fd, inode := range files {
			switch {
			case o.queues[inode]:
				listens[fd] = true
			case o.isConnection(inode):
				now[inode] = p
			}
		}
		switch {
		case len(listens) > 0:
			v.process(process{pid: p, files: files, listens: listens, queues: o.queues})
		case hidden:
			v.uncertain = true
		case len(files) > 0: // it cannot accept; one that exits has no descriptors any more
			v.seen = true
		}
	}
	f.Waits, f.Holds = v.waits(), len(now) > 0
	for inode, holder := range o.held[generation] {
		if _, has := now[inode]; !has && !f.Finished {
			f.Finished = isAlive(holder)
		}
	}
	o.held[generation] = now
	f.Finished = f.Finished || o.cameBack(generation, v.accepting)
	return f
}

// busyRuns is how often a thread has run between two looks at which it waited in
// accept(2) for it to have come back from there, and so to have finished what it had
// accepted. A request that is shorter than the time between two looks is seen in no
// other way. The kernel wakes one thread for each connection, so that one run may be a
// connection that another was faster to take; a request whose answer has to be waited
// for is some more.
const busyRuns = 4

func (o *Observer) cameBack(generation uint64, accepting map[int]uint64) bool {
	began := o.began[generation]
	if began == nil {
		began = map[int]uint64{}
		o.began[generation] = began
	}
	for thread, n := range accepting {
		if first, seen := began[thread]; !seen {
			began[thread] = n
		} else if n >= first+busyRuns {
			return true
		}
	}
	return false
}

// isConnection reports whether a socket certainly was accepted from a listening one: it
// has that one's address.
func (o *Observer) isConnection(inode uint64) bool {
	if o.tcp[inode] {
		return true
	}
	if len(o.names) == 0 {
		return false
	}
	name, listens, err := o.diag.Listener(uint32(inode))
	return err == nil && !listens && name != "" && o.names[name]
}

// Close closes what was opened to ask the kernel.
func (o *Observer) Close() error { return o.diag.Close() }

// filesOf are the sockets among a process's descriptors, by descriptor, each with its
// inode number. Descriptors of other kinds are there with 0. hidden: it may have others, as
// they may not be read, or as there is a ring of io_uring(7), which keeps sockets for itself.
func filesOf(pid int) (files map[int]uint64, hidden bool) {
	files = map[int]uint64{}
	for f, err := range procfs.Files(pid, 0, maxDescriptors) {
		if err != nil {
			hidden = hidden || !procfs.IsGone(err)
			continue
		}
		files[f.Number], _ = f.Socket()
		hidden = hidden || f.Link == ring
	}
	return files, hidden
}

// ring is what /proc/PID/fd has for a ring of io_uring(7).
const ring = "anon_inode:[io_uring]"

// isAlive reports whether a process has not begun to exit: then it has no descriptor any
// more, although it may be there for a while. A connection that such a one had was not
// finished, and may be what has made it crash.
func isAlive(pid int) bool {
	files, _ := filesOf(pid)
	return len(files) > 0
}
