package inspect

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/policy"
)

// Bounds of a look at one worker.
const (
	mostFiles    = 4096
	mostChildren = 16
)

// readWorkers looks at the descriptors of the workers.
func (i *Inspector) readWorkers(pids []int, a *Answer) {
	denied, looked := 0, 0
	for _, pid := range pids {
		socket, inode, err := i.holds(pid, true)
		switch {
		case errors.Is(err, os.ErrPermission):
			denied++
		case err == nil:
			looked++
			if i.open {
				a.Seen = append(a.Seen, pid)
			}
			if inode != 0 {
				a.Holders = append(a.Holders, policy.Holder{Worker: pid, Socket: socket, Connection: inode})
			}
		}
	}
	a.Blind = denied > 0 && looked == 0
}

// holds looks for a connection among the sockets of a process, and of those that it has
// started: a master that forks accepts nothing itself. inode 0 = there is none.
func (i *Inspector) holds(pid int, andChildren bool) (socket int, held uint32, err error) {
	socket = -1
	shared := procfs.File{Number: -1} // one that it has from us
	if andChildren {
		i.open = false
	}
	for file, err := range procfs.Files(pid, 0, mostFiles) {
		switch {
		case errors.Is(err, unix.E2BIG):
			continue // the others are not looked at
		case err != nil:
			return 0, 0, err
		}
		number, is := file.Socket()
		inode := uint32(number)
		if is && i.ours[inode] {
			i.open, shared = i.open || andChildren, file
		}
		if !is || i.ours[inode] {
			continue
		}
		switch n, found := i.accepted(inode); {
		case found && n >= 0:
			i.open = true
			return n, inode, nil
		case found:
			held = inode
		}
	}
	if held != 0 || !andChildren {
		return socket, held, nil
	}
	if i.open && !procfs.Has(pid, shared) {
		i.open = false // it has begun to exit: that it holds nothing does not mean that it has finished
	}
	children, _ := procfs.Children(pid)
	for _, child := range children[:min(len(children), mostChildren)] {
		if n, inode, err := i.holds(child, false); err == nil && inode != 0 {
			return n, inode, nil
		}
	}
	return socket, 0, nil
}

// accepted reports whether a socket may be a connection that was accepted, and which
// listener's it is: negative = that cannot be told.
func (i *Inspector) accepted(inode uint32) (socket int, is bool) {
	tcp := false
	for n := range i.listeners {
		l := &i.listeners[n]
		if l.isTCP && contains(l.accepted, inode) {
			return n, true
		}
		tcp = tcp || !l.isUnix || !l.seen(i.diag)
	}
	name, listens, err := i.diag.Listener(inode)
	if err == nil {
		if listens {
			return 0, false
		}
		for n := range i.listeners {
			if l := &i.listeners[n]; l.isUnix && l.name == name {
				return n, true
			}
		}
		return 0, false
	}
	return -1, tcp || !errors.Is(err, sockdiag.ErrNotThere)
}
