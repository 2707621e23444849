package quiesce

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/policy"
)

// This file finds the workers of connections. Most have theirs where the one before was, or
// where other workers of the same program have theirs, so that one name in /proc tells.

// mostUsual is how many numbers of descriptors are tried at a worker.
const mostUsual = 4

// connectionAt is the socket that a process has at a number; 0 = none.
func connectionAt(pid, fd int) uint64 {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
	if err != nil {
		return 0
	}
	inode, _ := procfs.SocketInode(link)
	return inode
}

// isHeld reports whether a connection is where its worker had it.
func (j *job) isHeld(inode uint64) bool {
	return (j.pid == j.asked || j.pid == procfs.Servant(j.asked)) && connectionAt(j.pid, j.fd) == inode
}

// findHolders finds the processes that hold the connections that are to be looked at closely.
func (l *Looker) findHolders(asked []policy.Working, now time.Time) {
	d := &l.due
	d.missing = 0
	for _, inode := range d.closely {
		j := l.jobs[inode]
		if j.pid != 0 && !j.isHeld(inode) { // it was handed on, say
			j.pid, j.asked, j.scans = 0, 0, 0
			j.beginAgain(l.info()[inode], now)
			l.jobs[inode] = j
		}
		if j.pid == 0 {
			d.missing++
		}
	}
	if d.missing == 0 {
		return
	}
	if len(d.servants) > 2*len(asked) { // most of these are of workers that have ended
		clear(d.servants)
	}
	holds := make(map[int]bool, len(l.jobs))
	for _, j := range l.jobs {
		holds[j.asked] = true
	}
	for _, w := range asked {
		if d.missing > 0 && !holds[w.Worker] {
			l.tryUsual(w.Worker)
		}
	}
	scans := l.scan(asked)
	for _, inode := range d.closely {
		if j := l.jobs[inode]; j.pid == 0 {
			if j.scans += scans; j.scans >= len(asked) { // as far as can be told, it is another's
				j.scans, j.sought = 0, now
			}
			l.jobs[inode] = j
		}
	}
}

// tryUsual looks for a connection of a worker at the usual numbers.
func (l *Looker) tryUsual(worker int) {
	pid, others := l.due.servants[worker]
	if !others {
		pid = worker
	}
	for _, fd := range l.due.usual {
		inode := connectionAt(pid, fd)
		if j, known := l.jobs[inode]; !known || j.pid != 0 {
			continue
		}
		if others && procfs.Servant(worker) != pid { // its number is another's by now
			delete(l.due.servants, worker)
			return
		}
		l.attribute(inode, worker, pid, fd)
	}
}

// scan looks at all descriptors of some workers, each time of others first, and returns of
// how many.
func (l *Looker) scan(asked []policy.Working) (scans int) {
	for ; scans < min(mostScans, len(asked)) && l.due.missing > 0; scans++ {
		l.due.next = (l.due.next + 1) % len(asked)
		worker := asked[l.due.next].Worker
		pid, held := l.holds(worker)
		for _, c := range held {
			if c.Sure {
				l.attribute(c.Inode, worker, pid, c.FD)
			}
		}
	}
	return scans
}

// attribute books that a process has a connection, for itself or for the worker that has
// started it.
func (l *Looker) attribute(inode uint64, worker, pid, fd int) {
	j, known := l.jobs[inode]
	if !known || j.pid != 0 {
		return
	}
	j.asked, j.pid, j.fd, j.scans, j.sought = worker, pid, fd, 0, time.Time{}
	l.jobs[inode] = j
	if slices.Contains(l.due.closely, inode) {
		l.due.missing--
	}
	if pid == worker {
		delete(l.due.servants, worker)
	} else {
		l.due.servants[worker] = pid
	}
	if !slices.Contains(l.due.usual, fd) {
		if len(l.due.usual) == mostUsual {
			l.due.usual = l.due.usual[1:]
		}
		l.due.usual = append(l.due.usual, fd)
	}
}
