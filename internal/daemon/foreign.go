package daemon

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/spawn"
)

// This file finds the connections that a template has made before it forks. All workers
// share them: two that speak to a database on one connection read each other's answers.

// harmless are the ends of connections on which each message stands for itself.
var harmless = []string{"/dev/log", "/run/systemd/", "/var/run/systemd/"}

// lookForeign looks for them in another goroutine: the template decides how many
// descriptors it has.
func (d *daemon) lookForeign(p spawn.Process, done func([]string)) {
	handed := len(d.templateHandover(-1).Files)
	pidfd, err := unix.FcntlInt(uintptr(p.FD), unix.F_DUPFD_CLOEXEC, 0) // the loop may close its own meanwhile
	if err != nil {
		return
	}
	go nowait.Blocking(func() {
		defer func() { _ = unix.Close(pidfd) }()
		done(foreignPeers(p.PID, pidfd, handed))
	})
}

// mostForeign bounds how many descriptors of a template are looked at.
const mostForeign = 1024

// foreignPeers names what the sockets of a process are connected to, but for those that it
// was handed: its first descriptors, and what else is the same socket.
func foreignPeers(pid, pidfd, handed int) (peers []string) {
	var own []uint64
	other := map[int]uint64{}
	for f, err := range procfs.Files(pid, 0, mostForeign) {
		inode, isSocket := f.Socket()
		switch {
		case err != nil || !isSocket:
		case f.Number < handed:
			own = append(own, inode)
		default:
			other[f.Number] = inode
		}
	}
	for fd, inode := range other {
		if slices.Contains(own, inode) {
			continue
		}
		if peer := peerOf(pidfd, fd); peer != "" && !slices.Contains(peers, peer) {
			peers = append(peers, peer)
		}
	}
	slices.Sort(peers)
	return peers
}

// peerOf is what a socket of another process is connected to; "" = to nothing, to nothing
// with a name, or it cannot be told (pidfd_getfd(2) needs the right to trace).
func peerOf(pidfd, fd int) string {
	own, err := unix.PidfdGetfd(pidfd, fd, 0) // close-on-exec
	if err != nil {
		return ""
	}
	defer func() { _ = unix.Close(own) }()
	peer, err := unix.Getpeername(own)
	if err != nil {
		return ""
	}
	switch a := peer.(type) {
	case *unix.SockaddrInet4:
		return net.JoinHostPort(net.IP(a.Addr[:]).String(), strconv.Itoa(a.Port))
	case *unix.SockaddrInet6:
		return net.JoinHostPort(net.IP(a.Addr[:]).String(), strconv.Itoa(a.Port))
	case *unix.SockaddrUnix:
		if a.Name == "@" || slices.ContainsFunc(harmless, func(path string) bool { return strings.HasPrefix(a.Name, path) }) {
			return ""
		}
		return a.Name
	default:
		return ""
	}
}
