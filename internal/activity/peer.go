package activity

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/sockdiag"
)

// file is an open descriptor of a process.
type file struct {
	link  string
	inode uint64 // of a socket, 0 = it is none
	queue bool   // a listening socket of the service
}

// files are those descriptors that are open. One that is in the list twice is once here.
func (l *Looker) files(pid, thread int, numbers ...int) (list []file) {
	slices.Sort(numbers)
	for _, n := range slices.Compact(numbers) {
		link, err := os.Readlink(fmt.Sprintf("/proc/%d/task/%d/fd/%d", pid, thread, n))
		if err != nil {
			continue
		}
		inode, _ := procfs.SocketInode(link)
		list = append(list, file{link, inode, l.queues[inode]})
	}
	return list
}

// listener notes a listening socket of the service.
func (l *Looker) listener(fd int) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return
	}
	l.queues[st.Ino] = true
	address, _ := unix.Getsockname(fd)
	switch a := address.(type) {
	case *unix.SockaddrUnix:
		l.addresses[a.Name] = true
	case *unix.SockaddrInet4:
		l.addresses[portOnly(a.Port)] = true
	case *unix.SockaddrInet6:
		l.addresses[portOnly(a.Port)] = true
	}
}

// portOnly stands for any address of that port. A worker that itself connects from the port
// of its service is not heard of.
func portOnly(port int) string { return fmt.Sprint(":", port) }

// sockets are those that were found in one round of looks, and what they are connected to.
type sockets struct {
	looker *Looker
	ends   map[uint64]sockdiag.Ends // nil as long as there is none
	wanted map[uint64]bool
}

func (s *sockets) want(list []doing) {
	for _, d := range list {
		for _, f := range d.files {
			if f.inode == 0 || f.queue {
				continue
			}
			if s.wanted == nil {
				s.wanted = map[uint64]bool{}
			}
			s.wanted[f.inode] = true
		}
	}
}

// onlyClients reports whether files are connections to clients of the service, and maybe
// listening sockets.
func (s *sockets) onlyClients(files []file) bool {
	for _, f := range files {
		if !f.queue && (f.inode == 0 || !strings.HasPrefix(s.peer(f.inode), itsClient)) {
			return false
		}
	}
	return len(files) > 0
}

// itsClient is what the client of a worker is called.
const itsClient = "its client"

// ask reads the kernel's lists of sockets, until all are found. Unix sockets are asked
// about one by one, as the kernel finds those by their inode numbers.
func (s *sockets) ask() {
	s.ends = map[uint64]sockdiag.Ends{}
	for _, protocol := range []uint8{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			if len(s.wanted) == len(s.ends) {
				return
			}
			_ = s.looker.diag.Inet(family, protocol, func(inode uint32, e sockdiag.Ends) {
				if s.wanted[uint64(inode)] {
					s.ends[uint64(inode)] = e
				}
			})
		}
	}
}

// name is what people call a file.
func (s *sockets) name(f file) string {
	switch {
	case f.queue:
		return "the next client"
	case f.inode != 0:
		return s.peer(f.inode)
	case strings.HasPrefix(f.link, "pipe:"):
		return "a pipe"
	}
	return f.link
}

// peer is who a socket is connected to.
func (s *sockets) peer(inode uint64) string {
	if e, found := s.ends[inode]; found {
		switch remote := e.Remote; {
		case s.looker.addresses[portOnly(int(e.Local.Port()))] && e.Local != (netip.AddrPort{}):
			return itsClient + " " + remote.String()
		case remote.IsValid():
			return remote.String()
		case e.Local.IsValid():
			return "port " + fmt.Sprint(e.Local.Port())
		}
		return "a socket"
	}
	own, listens, err := s.looker.diag.Listener(uint32(inode))
	if err != nil {
		return "a socket" // of another network namespace, or another family
	}
	if own != "" && !listens && s.looker.addresses[own] {
		return itsClient
	}
	peer, err := s.looker.diag.Peer(uint32(inode))
	if err != nil || peer == "" {
		return "a Unix socket"
	}
	return peer
}
