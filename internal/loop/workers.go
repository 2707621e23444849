package loop

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// proc is a living worker: what the policy does not need to know of it.
type proc struct {
	Process
	generation uint64
	channel    *channel    // nil = it has none (any more)
	inode      uint64      // of its pidfd on pidfs (Linux 6.9), 0 = cannot tell
	text       string      // its STATUS=
	gossiped   bool        // a bad report of it was logged
	by         unix.Signal // by which it is to leave, so that an end by it is a good one
	forced     bool        // to end: after a timeout, or at a stop
	timing     timing
	slot       int  // where it is written down, -1 = nowhere
	stored     bool // the service manager has a copy of FD
	adopted    bool
	source     string // of the connection it was born with
	seat       seat   // on the board
	turns      uint64 // there, as booked last
}

// newborn begins to watch a worker. On error it is killed: a worker whose end
// cannot be noticed would hold its slot for ever. The pid of an adopted worker,
// which the service manager collects, may be given away before we bury it.
func (l *Loop) newborn(n Process, a policy.Action, slot int, conn *Conn) error {
	p := &proc{Process: n, generation: a.Generation, slot: slot, timing: timing{born: l.now}}
	if l.cfg.ReportFD >= 0 { // only reports are told apart by it
		p.inode = pidfdInode(n.FD)
	}
	if err := l.watchProcess(p); err != nil {
		l.undo(n)
		return err
	}
	if slot >= 0 {
		l.seams.Keep.Born(slot, n)
	}
	if conn != nil && conn.Source != "" {
		p.source = conn.Source
		l.sources.enter(p.source)
	}
	l.young = append(l.young, young{p, l.now + storeAfter})
	l.seats.offer(p)
	return nil
}

func (l *Loop) watchProcess(p *proc) error {
	if l.procs[p.PID] != nil {
		return fmt.Errorf("watch worker %d: an earlier one of that pid is not buried yet", p.PID)
	}
	if err := l.epoll.add(p.FD, unix.EPOLLIN, kindWorker); err != nil {
		return err
	}
	if p.Channel != 0 {
		if err := l.openChannel(p.Channel, p.generation, p); err != nil {
			_ = l.epoll.remove(p.FD)
			return err
		}
	}
	l.procs[p.PID], l.byPidfd[p.FD] = p, p
	return nil
}

// undo ends a newborn that cannot be watched. SIGKILL is quick, and the wait for
// it bounded.
func (l *Loop) undo(n Process) {
	_ = l.seams.Signal(n, unix.SIGKILL, true)
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(n.FD), Events: unix.POLLIN}}, 1000)
	_, _, _ = l.seams.Wait(n)
	_ = unix.Close(n.FD)
	if n.Channel != 0 {
		_ = unix.Close(n.Channel)
	}
}

// pidfsMagic is PID_FS_MAGIC: only there is an inode number one process's own.
const pidfsMagic = 0x50494446

func pidfdInode(fd int) uint64 {
	var fs unix.Statfs_t
	var st unix.Stat_t
	if nowait.StatFS(fd, &fs) != nil || fs.Type != pidfsMagic || nowait.Stat(fd, &st) != nil {
		return 0
	}
	return st.Ino
}
