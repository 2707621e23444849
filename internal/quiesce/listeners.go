package quiesce

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
)

// New returns a Looker for these listening sockets, which stay the caller's.
// others are further descriptors that workers have from us.
func New(listeners, others []int) *Looker {
	l := newLooker()
	for _, fd := range others {
		if inode, ok := socketInode(fd); ok {
			l.ours[inode] = true
		}
	}
	for _, fd := range listeners {
		l.listener(fd)
	}
	return l
}

func newLooker() *Looker {
	return &Looker{
		diag: sockdiag.New(), await: awaitStop, ours: map[uint64]bool{}, queues: map[uint64]bool{}, names: map[string]bool{},
		protocols: map[string]bool{}, anywhere: map[string]bool{}, tcp: map[uint64]listed{}, jobs: map[uint64]job{}, due: due{servants: map[int]int{}}, mayTake: !isFiltered(), proc: isOwnProc(),
	}
}

// Of returns a Looker for the listening sockets of another process, count
// descriptors from first on, for who has not got them; nil: they are not there, are not
// listening, or the process may not be looked at.
func Of(p Process, first, count int) *Looker {
	l := newLooker()
	for fd := first; fd < first+count; fd++ {
		if !l.proc || !l.listenerOf(p, fd) {
			_ = l.Close()
			return nil
		}
	}
	return l
}

// listenerOf notes a listening socket of another process.
func (l *Looker) listenerOf(p Process, fd int) bool {
	if taken, ok := l.take(p, fd); ok {
		defer func() { _ = unix.Close(taken) }()
		if listens, err := unix.GetsockoptInt(taken, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
			return false
		}
		l.listener(taken)
		return true
	}
	f, err := fileOf(p.PID, p.PID, fd)
	if err != nil || f.inode == 0 {
		return false
	}
	l.ours[f.inode], l.queues[f.inode] = true, true
	protocol := l.protocolBy(f)
	l.protocols[protocol] = true
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		found := false
		_ = l.diag.Listeners(family, func(inode uint32, number uint16) {
			if uint64(inode) == f.inode {
				l.ports, found = append(l.ports, port{family, number, f.inode}), true
			}
		})
		if found {
			return true
		}
	}
	name, listens, err := l.diag.Listener(uint32(f.inode))
	switch {
	case err == nil && listens:
		l.names[name] = true
	case err == nil: // it is a connection
		return false
	default:
		l.anywhere[protocol] = true
	}
	return true
}

// listener notes one of our own listening sockets.
func (l *Looker) listener(fd int) {
	inode, ok := socketInode(fd)
	if !ok {
		return
	}
	l.ours[inode], l.queues[inode] = true, true
	protocol := protocolOf(fd)
	l.protocols[protocol] = true
	address, _ := unix.Getsockname(fd)
	switch a := address.(type) {
	case *unix.SockaddrUnix:
		l.names[a.Name] = true
	case *unix.SockaddrInet4:
		l.ports = append(l.ports, port{unix.AF_INET, uint16(a.Port), inode})
	case *unix.SockaddrInet6:
		l.ports = append(l.ports, port{unix.AF_INET6, uint16(a.Port), inode})
	default:
		l.anywhere[protocol] = true
	}
	if isTransparent(fd) {
		l.anywhere[protocol] = true
	}
}

// isTransparent reports whether connections have the address that the client meant,
// which is not the listener's (Transparent= of systemd.socket(5)).
func isTransparent(fd int) bool {
	four, _ := unix.GetsockoptInt(fd, unix.SOL_IP, unix.IP_TRANSPARENT)
	six, _ := unix.GetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_TRANSPARENT)
	return four > 0 || six > 0
}

// socketInode is the inode number of a socket of ours. The numbers of other files are
// other numbers.
func socketInode(fd int) (uint64, bool) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return 0, false
	}
	return st.Ino, true
}

// isFiltered reports whether a filter of system calls is in force, as SystemCallFilter=
// of systemd.exec(5) sets one. pidfd_getfd(2) and kcmp(2) are in none of the sets of
// calls that services are allowed, and most filters kill who makes another.
func isFiltered() bool {
	status, err := os.ReadFile("/proc/self/status")
	return err != nil || !strings.Contains(string(status), "\nSeccomp:\t0\n")
}

// isOwnProc reports whether /proc is that of our pid namespace. In another one a number
// means another process (unshare(1) without --mount-proc, a container with its host's).
func isOwnProc() bool {
	self, err := os.Readlink("/proc/self")
	return err == nil && self == strconv.Itoa(os.Getpid())
}
