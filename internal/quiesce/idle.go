package quiesce

import (
	"time"

	"github.com/availd/availd/internal/sockdiag"
)

// When a service is being stopped, a connection on which the client has nothing
// outstanding, such as one that is kept open for the next request, is no reason to wait
// (Draining of a Question). Both sides of it are looked at:
//
// The kernel's data for the connection must say that what came was read, that what was
// written has arrived, that the last data to go is not older than the last to come,
// and that nothing has moved for a second. A request of which a part has come, one that is
// being worked on and an answer that the client does not take are outstanding by that.
//
// The worker must wait for the client, and for nothing else: an answer that is sent in
// pieces looks like a finished one between two of them. So every thread must be inside
// a system call that waits for something to come from one of these connections or a
// listening socket, or for another thread. Programs that wait with epoll_wait(2) do so
// for timers as well, which cannot be told apart: their connections are held.
//
// This is looked at while the process runs. When it is stopped, it must not have
// received anything since. A Unix socket has neither times nor counts, so that half a
// request is not told from none: it is held.

// Where the last data to come and the last to go have the same time, by a clock that
// ticks every 1 to 10 ms, the order of the two is not known: as a rule a quick answer
// came last. The other way round it is the beginning of a request that was sent right
// after an answer and then not finished; that one has longer.

// idleFor is how long nothing must have moved, idleLong that where the order is not
// known.
const (
	idleFor  = time.Second
	idleLong = 2 * time.Second
)

// idleness is what is known of idle connections.
type idleness struct {
	info  map[uint64]sockdiag.TCPSocket // of this round, nil = not asked for yet
	part  bool                          // … and there may be more
	found map[int]map[uint64]traffic    // by process: what was found idle while it ran
}

// traffic is how much a connection has transported.
type traffic struct{ received, sent uint64 }

func (i *idleness) reset() { i.info = nil }

// idleAll reports whether no client of these connections waits for anything.
func (l *Looker) idleAll(q Question, held []Connection) bool {
	if l.idle.found == nil {
		l.idle.found = map[int]map[uint64]traffic{}
	}
	before := l.idle.found[q.PID]
	delete(l.idle.found, q.PID)
	now := map[uint64]traffic{}
	for _, c := range held {
		s, known := l.info()[c.Inode]
		if !c.Sure || !known || !isIdle(s) {
			return false
		}
		now[c.Inode] = traffic{s.Received, s.Sent}
		if was, seen := before[c.Inode]; q.Stopped && (!seen || was != now[c.Inode]) {
			return false
		}
	}
	if q.Stopped {
		return true
	}
	if !l.waitsForClients(q.PID, now) {
		return false
	}
	l.idle.found[q.PID] = now
	return true
}

func isIdle(s sockdiag.TCPSocket) bool {
	least := idleFor
	switch {
	case !s.Info || s.Unread != 0 || s.Unacked != 0:
		return false
	case s.Received == 0: // its client has not asked for anything yet
	case s.Sent == 0 || s.SinceSent > s.SinceReceived:
		return false
	case s.SinceSent == s.SinceReceived:
		least = idleLong
	}
	return min(s.SinceReceived, s.SinceSent) >= least
}

// waitsForClients reports whether all threads wait, and each of the connections is
// waited for.
func (l *Looker) waitsForClients(pid int, conns map[uint64]traffic) bool {
	list, all := calls(pid)
	waited := map[uint64]bool{}
	for _, c := range list {
		if waitsForThread(c) {
			continue
		}
		inodes := waitsFor(pid, c)
		if len(inodes) == 0 {
			return false
		}
		for _, inode := range inodes {
			if _, isConn := conns[inode]; !isConn && !l.queues[inode] {
				return false
			}
			waited[inode] = true
		}
	}
	for inode := range conns {
		all = all && waited[inode]
	}
	return all
}

// info asks for what the kernel knows of the ports' connections, once a round.
func (l *Looker) info() map[uint64]sockdiag.TCPSocket {
	if l.idle.info != nil {
		return l.idle.info
	}
	l.idle.info, l.idle.part = map[uint64]sockdiag.TCPSocket{}, false
	for _, p := range l.ports {
		err := l.diag.LocalPort(p.family, p.number, true, func(s sockdiag.TCPSocket) { l.idle.info[uint64(s.Inode)] = s })
		l.idle.part = l.idle.part || err != nil || !l.idle.info[p.inode].Listens
	}
	return l.idle.info
}
