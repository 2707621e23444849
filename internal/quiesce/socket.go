package quiesce

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
)

// kind is what a descriptor of a process is for us.
type kind uint8

const (
	harmless   kind = iota // certainly no connection of ours
	connection             // one of ours
	unknown                // may be one, or have one inside
)

// closed are the kinds of files that can have no socket inside, by what
// proc_pid_fd(5) shows of them.
var closed = []string{
	"/", "pipe:[", "net:[", "mnt:[", "pid:[", "user:[", "uts:[", "ipc:[", "cgroup:[", "time:[", "pidfd:[",
	"anon_inode:[eventfd", "anon_inode:[eventpoll]", "anon_inode:[timerfd]", "anon_inode:[signalfd]", "anon_inode:[pidfd]",
	"anon_inode:inotify", "anon_inode:[fanotify]", "anon_inode:[perf_event]", "anon_inode:[userfaultfd]",
}

// plain are the protocols whose sockets are no more than they seem. Those of others may
// have a connection of another socket inside, as AF_KCM and AF_SMC do.
var plain = []string{
	"TCP", "TCPv6", "UNIX", "UNIX-STREAM", "UDP", "UDPv6", "UDP-Lite", "UDPLITEv6", "RAW", "RAWv6", "PING", "PINGv6",
	"NETLINK", "PACKET", "MPTCP", "MPTCPv6", "AF_VSOCK", "SCTP", "SCTPv6",
}

func (l *Looker) kind(p Process, f file) kind {
	switch {
	case f.inode != 0:
		return l.socket(p, f)
	case strings.HasPrefix(f.link, "anon_inode:[io_uring]"):
		return l.ring(f)
	case slices.ContainsFunc(closed, func(prefix string) bool { return strings.HasPrefix(f.link, prefix) }):
		return harmless
	default:
		return unknown
	}
}

// socket tells a connection by its own address, which is the listener's. The kernel is
// asked by sock_diag(7) first, which takes no right and tells it for sockets of our
// network namespace.
func (l *Looker) socket(p Process, f file) kind {
	if l.ours[f.inode] {
		return harmless
	}
	if s, isListed := l.list()[f.inode]; isListed {
		if s.listens { // another one of that port, the worker's own
			return harmless
		}
		return connection
	}
	name, listens, err := l.diag.Listener(uint32(f.inode))
	switch {
	case err == nil && !listens && name != "" && l.names[name]:
		return connection
	case err == nil && f.passes(): // descriptors on their way to another process
		return unknown
	case err == nil:
		return harmless
	case !errors.Is(err, sockdiag.ErrNotThere) && len(l.names) > 0:
		return unknown
	}
	return l.unlisted(p, f)
}

// unlisted judges a socket that the kernel has not shown: one of another family, of
// another network namespace, or a TCP socket without a connection. What protocol it is
// of is told of any socket, and an accepted one is of its listener's.
func (l *Looker) unlisted(p Process, f file) kind {
	if f.passes() {
		return unknown
	}
	taken, ok := -1, false
	if f.thread == p.PID { // a pidfd stands for the descriptors of the first thread
		taken, ok = l.take(p, f.number)
	}
	if !ok {
		return l.byProtocol(l.protocolBy(f))
	}
	defer func() { _ = unix.Close(taken) }()
	if inode, _ := socketInode(taken); inode != f.inode { // it is another one by now
		return unknown
	}
	protocol := protocolOf(taken)
	k := l.byProtocol(protocol)
	if k == harmless || l.anywhere[protocol] || !slices.Contains(plain, protocol) {
		return k
	}
	if listens, err := unix.GetsockoptInt(taken, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && listens != 0 {
		return harmless
	}
	return l.byAddress(taken)
}

// byProtocol judges by the protocol alone. "" is one that cannot be told.
func (l *Looker) byProtocol(protocol string) kind {
	switch {
	case !slices.Contains(plain, protocol):
		return unknown
	case !l.protocols[protocol] && !l.protocols[""]:
		return harmless
	case isTCP(protocol) && !l.anywhere[protocol] && l.whole:
		return harmless // it would be in the list
	default:
		return unknown
	}
}

func isTCP(protocol string) bool { return protocol == "TCP" || protocol == "TCPv6" }

// byAddress judges a socket that we have a copy of.
func (l *Looker) byAddress(fd int) kind {
	address, err := unix.Getsockname(fd)
	if err != nil {
		return unknown
	}
	number := 0
	switch a := address.(type) {
	case *unix.SockaddrUnix:
		if a.Name != "" && l.names[a.Name] {
			return connection
		}
		return harmless
	case *unix.SockaddrInet4:
		number = a.Port
	case *unix.SockaddrInet6:
		number = a.Port
	default:
		return unknown
	}
	if slices.ContainsFunc(l.ports, func(p port) bool { return int(p.number) == number }) {
		return connection
	}
	return harmless
}

// list asks for the TCP sockets of all ports, once a round. If a listener is among them
// it is of our network namespace, and so are all of its connections: then whole says
// that a TCP socket that is not listed is no connection of ours.
func (l *Looker) list() map[uint64]listed {
	if l.asked {
		return l.tcp
	}
	clear(l.tcp)
	l.asked, l.whole = true, true
	for _, p := range l.ports {
		err := l.diag.LocalPort(p.family, p.number, false, func(s sockdiag.TCPSocket) { l.tcp[uint64(s.Inode)] = listed{s.Listens} })
		l.whole = l.whole && err == nil && l.tcp[p.inode].listens
	}
	return l.tcp
}

// take has a copy made of a descriptor (pidfd_getfd(2), Linux 5.6), which takes the
// access mode PTRACE_MODE_ATTACH_REALCREDS. The copy is close-on-exec, and the caller's.
func (l *Looker) take(p Process, fd int) (int, bool) {
	if !l.mayTake || p.FD < 0 {
		return -1, false
	}
	taken, err := unix.PidfdGetfd(p.FD, fd, 0)
	if err != nil {
		return -1, false
	}
	if _, err := unix.GetsockoptInt(taken, unix.SOL_SOCKET, unix.SO_TYPE); err != nil {
		_ = unix.Close(taken)
		return -1, false
	}
	return taken, true
}

// protocolAttribute has the name of a socket's protocol, an accepted socket that of its
// listener's (sock_alloc_file of net/socket.c of Linux).
const protocolAttribute = "system.sockprotoname"

// protocolOf is that of a socket of ours; "" = cannot be told.
func protocolOf(fd int) string {
	var buf [64]byte
	n, err := unix.Fgetxattr(fd, protocolAttribute, buf[:])
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(buf[:n]), "\x00")
}

// protocolBy is that of another process's. The name in /proc is opened first, without
// asking the file itself (O_PATH of open(2)), and looked at again: it could have become
// that of a file on a disk that does not answer.
func (l *Looker) protocolBy(f file) string {
	fd, err := unix.Open(f.path(), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer func() { _ = unix.Close(fd) }()
	own, err := fileAt("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil || own.inode != f.inode {
		return ""
	}
	var buf [64]byte
	n, err := unix.Getxattr("/proc/self/fd/"+strconv.Itoa(fd), protocolAttribute, buf[:])
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(buf[:n]), "\x00")
}
