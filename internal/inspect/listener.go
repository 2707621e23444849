package inspect

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/policy"
)

// listener is one listening socket, and what was found out about its connections.
type listener struct {
	fd            int
	isTCP, isUnix bool
	family        uint8
	port          uint16
	local         netip.Addr // invalid = all addresses
	name          string     // of a Unix socket, as package unix has it
	inode         uint32

	known, visible bool     // whether the kernel lists it here, once that is known
	before         []uint32 // inodes of accepted connections at the last look, sorted
	accepted       []uint32 // … at this one
	looked         time.Time
	oldest         time.Duration // at the last look
	waited         int           // … and so many connections
	queue          queue
	depth          int  // before the list was read at the last look; -1 = unknown
	left           bool // somebody has left the queue since the last look, which takes accept(2)
}

func describe(fd int) (l listener) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return l
	}
	l.fd, l.inode = fd, uint32(st.Ino)
	address, err := unix.Getsockname(fd)
	if err != nil {
		return l
	}
	switch a := address.(type) {
	case *unix.SockaddrUnix:
		l.isUnix, l.name = a.Name != "", a.Name
	case *unix.SockaddrInet4:
		l.isTCP, l.family, l.port, l.local = true, unix.AF_INET, uint16(a.Port), netip.AddrFrom4(a.Addr)
	case *unix.SockaddrInet6:
		l.isTCP, l.family, l.port, l.local = true, unix.AF_INET6, uint16(a.Port), netip.AddrFrom16(a.Addr)
	}
	protocol, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if l.isTCP && protocol != unix.IPPROTO_TCP {
		l.isTCP = false // MPTCP and SCTP list their connections elsewhere
	}
	four, _ := unix.GetsockoptInt(fd, unix.SOL_IP, unix.IP_TRANSPARENT)
	six, _ := unix.GetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_TRANSPARENT)
	if l.local.IsUnspecified() || four > 0 || six > 0 { // transparent: connections have the address that the client meant
		l.local = netip.Addr{}
	}
	return l
}

// seen reports whether the kernel lists the listener, and so its connections, in our
// network namespace. Neither ever changes its own.
func (l *listener) seen(diag *sockdiag.Conn) bool {
	if l.known {
		return l.visible
	}
	var err error
	if l.isUnix {
		_, l.visible, err = diag.Listener(l.inode)
		if errors.Is(err, sockdiag.ErrNotThere) {
			err = nil
		}
	} else {
		l.visible, err = diag.Listens(l.family, l.port, l.inode)
	}
	l.known = err == nil
	return l.visible
}

// begin forgets the look before the last one, and everything if there is another socket
// in the place of the one that was there.
func (l *listener) begin() {
	var st unix.Stat_t
	if unix.Fstat(l.fd, &st) == nil && uint32(st.Ino) != l.inode {
		*l = describe(l.fd)
	}
	l.before, l.accepted, l.left = l.accepted, l.before[:0], false
}

// compare reports whether there is an accepted connection that was not there before.
func (l *listener) compare() bool {
	slices.Sort(l.accepted)
	for _, inode := range l.accepted {
		if !contains(l.before, inode) {
			return true
		}
	}
	return false
}

// slack is what ages may be wrong by: they are in whole milliseconds of the kernel's
// ticks.
const slack = 20 * time.Millisecond

// list reads the list of a port's connections.
func (l *listener) list(diag *sockdiag.Conn, depths *sockdiag.Reader, socket int, a *Answer) (accepts policy.Acceptance, waits Queue) {
	now := time.Now()
	depth := depths.Waiting(l.fd).Waiting
	l.queue.begin()
	err := diag.Port(l.family, l.port, func(c sockdiag.TCPConnection) {
		switch {
		case l.local.IsValid() && c.Local != l.local:
		case c.Inode != 0:
			l.accepted = append(l.accepted, c.Inode)
		default:
			l.queue.add(c)
		}
	})
	if err != nil {
		l.queue.forget()
		l.depth = -1
		return policy.NotKnown, unknownQueue
	}
	l.queue.compareTCP(socket, now, a)
	l.left = l.leaves(depths.Waiting(l.fd).Waiting)
	waits = l.queue.state(false)
	accepts = policy.NobodySeen
	if l.queue.stays {
		accepts = policy.NobodyAccepts
	}
	// Somebody has taken the oldest one, if it is not there any more and none has left
	// otherwise; those that are reset by their client do, and then fewer wait than did, or
	// more are in the queue and not listed. In an overload this finds more than leaves does.
	reset := depth >= 0 && l.depth >= 0 && depth-waits.Waiting > l.depth-l.waited
	younger := !reset && l.waited > 0 && waits.Waiting >= l.waited && waits.Oldest+slack < l.oldest+now.Sub(l.looked)
	if l.compare() || younger || l.left {
		accepts = policy.SomebodyAccepts
	}
	l.looked, l.oldest, l.waited, l.depth = now, waits.Oldest, waits.Waiting, depth
	return accepts, waits
}

// leaves reports whether a connection has left the queue of a TCP socket since the last
// look, while so many wait after this one. Those that were reset by their client stay in the
// queue, although they are listed no more, until they are accepted. So it has been left when
// it is shorter than it was then with all who have come since. The depth is read before the
// list for the next look and after it for this one, so that whoever comes meanwhile counts
// against it.
func (l *listener) leaves(depth int) bool {
	return !l.looked.IsZero() && l.depth >= 0 && depth >= 0 && l.depth+l.queue.came() > depth
}

// listClients reads the list of those who wait at a Unix listener.
func (l *listener) listClients(diag *sockdiag.Conn, socket int, a *Answer) Queue {
	l.queue.begin()
	if diag.Clients(l.inode, func(client uint32) { l.queue.now = append(l.queue.now, waiter{id: uint64(client)}) }) != nil {
		l.queue.forget()
		return unknownQueue
	}
	l.left = l.queue.compareUnix(socket, time.Now(), a) > 0
	return l.queue.state(true)
}
