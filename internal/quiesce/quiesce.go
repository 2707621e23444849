// Package quiesce finds out whether a process holds a connection that was accepted
// from one of our listening sockets. A process that holds none, and is stopped
// meanwhile, can be killed without any client noticing: what waits in the accept queue
// is for others to take.
//
// It only looks, and sends no signal but where it is asked to catch a process. First a process is looked at while it runs:
// stopping it would disturb the request that it may be working on, as a wait for a
// descriptor ends with EINTR after SIGSTOP and SIGCONT even without a handler
// (signal(7)). Only one that seems free is stopped by the caller, and looked at again:
// a running process may accept a connection at any time, a stopped one cannot.
//
// The rule is that what cannot be seen is held. A descriptor counts as harmless only
// if there is a positive reason: it is of a kind that cannot be a connection, it is one
// that we gave away ourselves, or the kernel tells the socket's own address and it is
// not that of a listener. Connections accepted from a Unix socket are of their client's
// network namespace, and those of a TCP socket of the listener's: in both cases that
// need not be ours, and then sock_diag(7) does not list them (see socket.go).
//
// Reading /proc/PID/fd takes the access mode PTRACE_MODE_READ_FSCREDS of
// ptrace(2): the same user, or root.
//
// # Diagnostics
//
// [Denied] is a process that may not be looked at. A call takes as long as reading some
// files of /proc does, which depends on how many descriptors and threads a process has:
// the caller should not be a goroutine that must not wait.
//
// # Bugs
//
// A connection that was handed to a process that is no descendant is not found.
// Descendants are found where the kernel has CONFIG_PROC_CHILDREN, as those of
// distributions do.
package quiesce

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/sockdiag"
)

// State is what a look has found.
type State uint8

// States.
const (
	Running State = iota // not stopped yet, although it was sent SIGSTOP
	Free                 // holds no connection
	Holding              // holds one, or that cannot be told
	Denied               // may not be looked at
	Shares               // a process that it has started accepts too
	Gone                 // has ended
	Busy                 // was sent its signal, and does not wait for a connection
	Passing              // holds one, and another one than at the look before: see passing.go
	stopped              // not yet judged
)

// Process is a process to look at. FD is its pidfd, which stays the caller's; below 0 =
// there is none, and less can be seen.
type Process struct{ PID, FD int }

// Question is what is asked of one process.
type Question struct {
	Process
	// Stopped says that it was sent SIGSTOP. Only then is Free still true a moment
	// later.
	Stopped bool
	// Signalled asks first whether the process has heard the signal that it was sent:
	// one that waits in accept(2) nevertheless has not. Anything else is Busy.
	Signalled bool
	// Catch asks for one that is Stopped and holds a connection to be continued and stopped
	// again, until it is free or catchLong is over: see passing.go. It is stopped when
	// the answer comes, as it was before.
	Catch bool
	// Draining says that connections on which the client has nothing outstanding
	// do not count: see idle.go.
	Draining bool
}

// Looker knows the listening sockets. It belongs to one goroutine.
type Looker struct {
	diag  *sockdiag.Conn
	await func(pid int) (stopped, gone bool) // awaitStop; tests have something happen before

	ours      map[uint64]bool // inodes that are no connections: the listeners, standard error
	queues    map[uint64]bool // inodes of the listeners
	ports     []port
	names     map[string]bool // of Unix listeners
	protocols map[string]bool // of the listeners, as the kernel calls them; nil = not known
	anywhere  map[string]bool // … of those whose connections cannot be told by their address

	mayTake bool              // descriptors may be taken over: no system call filter is in force
	tcp     map[uint64]listed // sockets of the ports, as of this round
	whole   bool              // … which has all connections of the listeners
	asked   bool              // … and was made: when first needed
	proc    bool              // /proc is that of our pid namespace
	idle    idleness
	jobs    map[uint64]job // requests as of the last round of Works, by the inode of the connection
	round   int            // its number
	due     due
	passing passing
}

type port struct {
	family uint8
	number uint16
	inode  uint64 // of the listener
}

type listed struct{ listens bool }

// Look answers the questions, and writes the answers into states, which is as long.
//
// No process is judged before all those that are to stop have stopped or are passed
// over: one that SIGSTOP finds inside accept(2) takes a connection before it stops, and
// a list of connections that was made for another process before that would not have it.
func (l *Looker) Look(questions []Question, states []State) {
	for i, q := range questions {
		states[i] = stopped
		if q.Stopped {
			states[i] = l.halted(q.PID)
		}
	}
	l.asked = false
	l.idle.reset()
	for i, q := range questions {
		if states[i] == stopped {
			states[i] = l.judge(q)
		}
		if q.Catch && q.Stopped {
			states[i] = l.catch(q, states[i])
		}
	}
}

// halted is Gone, Running or stopped.
func (l *Looker) halted(pid int) State {
	switch halted, gone := l.await(pid); {
	case gone:
		return Gone
	case !halted:
		return Running
	default:
		return stopped
	}
}

// judge says what a process holds.
func (l *Looker) judge(q Question) State {
	if !l.proc {
		return Denied // its number means another process in that /proc, or none
	}
	if q.Signalled && !q.Stopped && !l.waitsInAccept(q.Process) {
		return Busy
	}
	held, _, err := l.connections(q.Process)
	switch {
	case errors.Is(err, os.ErrPermission):
		return l.unseen(q)
	case procfs.IsGone(err) && isAlive(q.PID): // hidepid= of proc(5)
		return Denied
	case procfs.IsGone(err):
		return Gone
	case err != nil: // for want of descriptors, say
		return Holding
	}
	switch s := l.descendants(q.PID); {
	case s != Free:
		return s
	case len(held) == 0, q.Draining && l.idleAll(q, held):
		return Free
	case l.passing.through(q.PID, held):
		return Passing
	default:
		return Holding
	}
}

// isAlive reports whether there is a process of that number, or its remains.
func isAlive(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }

// Connection is a descriptor of a process that is, or may be, a connection accepted from
// one of the listening sockets.
type Connection struct {
	FD    int    // in the process that was looked at
	Inode uint64 // of the socket; 0 = it is no socket, but may have one inside
	Sure  bool   // false: it cannot be told
}

// Connections returns what a process holds itself, without its descendants. Unlike Look
// it may be asked for at any time. On error nothing is known of the process.
func (l *Looker) Connections(p Process) ([]Connection, error) {
	l.asked = false
	if !l.proc {
		return nil, os.ErrPermission
	}
	held, _, err := l.connections(p)
	return held, err
}

func (l *Looker) connections(p Process) (held []Connection, files []file, err error) {
	files, err = descriptors(p.PID, l.mayTake)
	if err != nil {
		return nil, nil, err
	}
	type place struct {
		number int
		inode  uint64
	}
	seen := map[place]bool{} // where it cannot be told that threads share a table
	for _, f := range files {
		if f.inode != 0 && seen[place{f.number, f.inode}] {
			continue
		}
		seen[place{f.number, f.inode}] = true
		switch l.kind(p, f) {
		case connection:
			held = append(held, Connection{f.number, f.inode, true})
		case unknown:
			held = append(held, Connection{f.number, f.inode, false})
		}
	}
	return held, files, nil
}

// most bounds how many descendants are looked at.
const most = 256

// descendants is Shares if a process that pid has started, or one of those, has a
// listening socket too: it is the one that holds connections, and would go on without
// its parent. It is Holding if one has a connection, which may come to nothing without
// the parent, or may not be looked at.
func (l *Looker) descendants(pid int) State {
	state, list := Free, []int{pid}
	for i := 0; i < len(list); i++ {
		pids, err := procfs.Children(list[i])
		if err != nil || len(list)+len(pids) > most {
			state = Holding
			continue
		}
		list = append(list, pids...)
	}
	for _, child := range list[1:] {
		held, files, err := l.connections(Process{child, -1})
		for _, f := range files {
			if l.queues[f.inode] {
				return Shares
			}
		}
		if len(held) > 0 || err != nil && !procfs.IsGone(err) {
			state = Holding
		}
	}
	return state
}

// Close closes what was opened to ask the kernel.
func (l *Looker) Close() error { return l.diag.Close() }
