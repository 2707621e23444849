package quiesce

import (
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/sockdiag"
)

// unseen judges a process that may not be looked at, such as a worker of an earlier availd in
// a user namespace that only that one was in. It holds nothing where nobody at all is
// connected. One with children may have left accepting to them.
func (l *Looker) unseen(q Question) State {
	if children, err := procfs.Children(q.PID); err != nil || len(children) > 0 || !l.nobodyConnected() {
		return Denied
	}
	return Free
}

// nobodyConnected reports whether it is known that no process at all holds a connection that
// was accepted from one of our sockets. It is of TCP sockets of this network namespace: a
// connection of theirs is in that namespace, too, and one of a Unix socket in its client's.
func (l *Looker) nobodyConnected() bool {
	if len(l.ports) == 0 || len(l.ports) != len(l.queues) || len(l.anywhere) > 0 {
		return false
	}
	for _, p := range l.ports {
		listens, connected := false, false
		err := l.diag.LocalPort(p.family, p.number, false, func(s sockdiag.TCPSocket) {
			switch {
			case uint64(s.Inode) == p.inode:
				listens = true
			case !s.Listens:
				connected = true
			}
		})
		if err != nil || !listens || connected {
			return false
		}
	}
	return true
}
