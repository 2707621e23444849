// Package quiesce looks whether a process holds a connection that was accepted
// from one of our listening sockets. One that does not, and is stopped meanwhile,
// can be killed without anybody noticing: what waits in the accept queue is
// others' to take.
//
// It is looking only, and sends no signal. A connection is told from other
// sockets, such as one to a database, by its own address: that is the listener's
// (sock_diag(7)). What cannot be told counts as held.
//
// Reading /proc/PID/fd takes the access mode PTRACE_MODE_READ_FSCREDS of
// ptrace(2): the same user, or root.
//
// # Diagnostics
//
// [Denied] is a process that may not be looked at. Nothing here waits, but for a
// few yields of the CPU to a process that is about to stop.
//
// # Bugs
//
// A connection that its client has reset is in no list of the kernel's any more,
// and not held. One that was handed to another process is not this process's.
package quiesce

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
)

// State is what a look has found.
type State uint8

// States.
const (
	Running State = iota // not stopped (yet)
	Free                 // stopped, and holds no connection
	Holding              // stopped, and holds one, or cannot be told
	Denied               // may not be looked at
	Shares               // stopped, and a process that it has started accepts too
	Gone                 // has ended
	stopped              // not yet judged
)

// Looker knows the listening sockets. It belongs to one goroutine.
type Looker struct {
	diag   *sockdiag.Conn
	await  func(pid int) (stopped, gone bool) // awaitStop; tests have something happen before
	ours   map[uint64]bool                    // inodes that are no connections: the listeners, standard error
	queues map[uint64]bool                    // inodes of the listeners
	ports  []port
	names  map[string]bool // of Unix listeners
	blunt  bool            // one of the listeners is of another kind: every socket counts
	tcp    map[uint64]bool // inodes of connections, as of this round
	listed bool            // … which is made when first needed
}

type port struct {
	family uint8
	number uint16
}

// New returns a Looker for these listening sockets, which stay the caller's.
// others are further descriptors that workers have from us.
func New(listeners, others []int) *Looker {
	l := newLooker()
	for _, fd := range others {
		l.own(fd)
	}
	for _, fd := range listeners {
		l.queues[l.own(fd)] = true
		l.listener(fd)
	}
	return l
}

func newLooker() *Looker {
	return &Looker{diag: sockdiag.New(), await: awaitStop, ours: map[uint64]bool{}, queues: map[uint64]bool{}, names: map[string]bool{}, tcp: map[uint64]bool{}}
}

// Of returns a Looker for the listening sockets of another process, count
// descriptors from first on, for who has not got them; nil: they are not there, or
// the process may not be looked at.
func Of(pid, first, count int) *Looker {
	l := newLooker()
	ports := map[uint64]port{}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		_ = l.diag.Listeners(family, func(inode uint32, number uint16) { ports[uint64(inode)] = port{family, number} })
	}
	for fd := first; fd < first+count; fd++ {
		inode, err := socketAt(pid, fd)
		if err != nil {
			_ = l.Close()
			return nil
		}
		l.ours[inode], l.queues[inode] = true, true
		if p, isTCP := ports[inode]; isTCP {
			l.ports = append(l.ports, p)
		} else if name, listens, err := l.diag.Listener(uint32(inode)); err == nil && listens {
			l.names[name] = true
		} else {
			l.blunt = true
		}
	}
	return l
}

// own notes a descriptor that is no connection of a client. Only sockets count:
// the inode numbers of other files are other numbers.
func (l *Looker) own(fd int) (inode uint64) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return 0
	}
	l.ours[st.Ino] = true
	return st.Ino
}

func (l *Looker) listener(fd int) {
	protocol, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	address, _ := unix.Getsockname(fd)
	switch a := address.(type) {
	case *unix.SockaddrUnix:
		l.names[a.Name] = true
	case *unix.SockaddrInet4:
		l.ports = append(l.ports, port{unix.AF_INET, uint16(a.Port)})
	case *unix.SockaddrInet6:
		l.ports = append(l.ports, port{unix.AF_INET6, uint16(a.Port)})
	default:
		l.blunt = true
	}
	if len(l.ports) > 0 && protocol != unix.IPPROTO_TCP && protocol != 0 {
		l.blunt = true // MPTCP lists its connections elsewhere
	}
	if isTransparent(fd) {
		l.blunt = true
	}
}

// isTransparent reports whether connections have the address that the client meant,
// which is not the listener's (Transparent= of systemd.socket(5)).
func isTransparent(fd int) bool {
	four, _ := unix.GetsockoptInt(fd, unix.SOL_IP, unix.IP_TRANSPARENT)
	six, _ := unix.GetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_TRANSPARENT)
	return four > 0 || six > 0
}

// Look looks at each of the processes, all of which were sent SIGSTOP before, and
// writes what it has found into states, which is as long.
//
// None is judged before all are stopped or passed over: one that SIGSTOP finds inside
// accept(2) takes a connection before it stops, and a list of connections that was
// made for another process before that would not have it.
func (l *Looker) Look(pids []int, states []State) {
	for i, pid := range pids {
		states[i] = l.halted(pid)
	}
	l.listed = false
	for i, pid := range pids {
		if states[i] == stopped {
			states[i] = l.judge(pid)
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

// judge says what a stopped process holds.
func (l *Looker) judge(pid int) State {
	inodes, err := sockets(pid)
	switch {
	case errors.Is(err, os.ErrPermission):
		return Denied
	case err != nil || l.holds(inodes): // it cannot be told for want of descriptors, say
		return Holding
	}
	switch shares, err := l.shares(pid); {
	case err != nil:
		return Holding
	case shares:
		return Shares
	default:
		return Free
	}
}

func (l *Looker) holds(inodes []uint64) bool {
	for _, inode := range inodes {
		if !l.ours[inode] && l.isConnection(inode) {
			return true
		}
	}
	return false
}

// shares reports whether a child has a listening socket too: it is the one that
// holds connections, and would go on without its parent.
func (l *Looker) shares(pid int) (bool, error) {
	pids, err := children(pid)
	for _, child := range pids {
		inodes, failed := sockets(child)
		if failed != nil && !errors.Is(failed, os.ErrPermission) && !isGone(failed) {
			err = failed
		}
		for _, inode := range inodes {
			if l.queues[inode] {
				return true, nil
			}
		}
	}
	return false, err
}

// isConnection reports whether a socket has the address of a listener.
func (l *Looker) isConnection(inode uint64) bool {
	if l.blunt {
		return true
	}
	if len(l.names) > 0 {
		name, err := l.diag.Name(uint32(inode))
		switch {
		case err == nil && l.names[name]:
			return true
		case err != nil && !errors.Is(err, sockdiag.ErrNotThere):
			return true
		}
	}
	return len(l.ports) > 0 && (!l.list() || l.tcp[inode])
}

// list asks for the connections of all ports, once a round.
func (l *Looker) list() (known bool) {
	if l.listed {
		return true
	}
	clear(l.tcp)
	for _, p := range l.ports {
		if err := l.diag.Connections(p.family, p.number, func(inode uint32) { l.tcp[uint64(inode)] = true }); err != nil {
			return false
		}
	}
	l.listed = true
	return true
}

// Close closes what was opened to ask the kernel.
func (l *Looker) Close() error { return l.diag.Close() }
