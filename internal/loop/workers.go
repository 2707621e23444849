package loop

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// proc is a living worker: what the policy does not need to know of it.
type proc struct {
	Process
	generation uint64
	inode      uint64 // of its pidfd on pidfs (Linux 6.9), 0 = cannot tell
	text       string // its STATUS=
	gossiped   bool   // a bad report of it was logged
}

// adoptProcess begins to watch a newborn. On error it is killed: a worker whose
// end cannot be noticed would hold its slot for ever.
func (l *Loop) adoptProcess(n Process, a policy.Action) error {
	if l.procs[n.PID] != nil {
		panic("loop: two living workers with one pid")
	}
	if err := l.epoll.add(n.FD, unix.EPOLLIN, kindWorker); err != nil {
		l.undo(n)
		return err
	}
	p := &proc{Process: n, generation: a.Generation, inode: pidfdInode(n.FD)}
	l.procs[n.PID], l.byPidfd[n.FD] = p, p
	return nil
}

// undo ends a newborn that cannot be watched. SIGKILL is quick, and the wait for
// it bounded.
func (l *Loop) undo(n Process) {
	_ = l.seams.Signal(n, unix.SIGKILL, true)
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(n.FD), Events: unix.POLLIN}}, 1000)
	_, _, _ = l.seams.Wait(n)
	_ = unix.Close(n.FD)
}

// pidfsMagic is PID_FS_MAGIC: only there is an inode number one process's own.
const pidfsMagic = 0x50494446

func pidfdInode(fd int) uint64 {
	var fs unix.Statfs_t
	var st unix.Stat_t
	if unix.Fstatfs(fd, &fs) != nil || fs.Type != pidfsMagic || unix.Fstat(fd, &st) != nil {
		return 0
	}
	return st.Ino
}

// bury acts on the deaths of this turn.
func (l *Loop) bury() {
	for _, fd := range l.ready.deaths {
		p := l.byPidfd[fd]
		if p == nil {
			continue
		}
		end, ended, err := l.seams.Wait(p.Process)
		if err != nil {
			l.say(eventInternal, levelError,
				fmt.Sprintf("how worker %d ended cannot be told (%v): taken as a good end", p.PID, err),
				"worker_pid", p.PID)
			end, ended = policy.End{Unknown: true}, true
		}
		if ended {
			l.forget(p)
			l.noteEnd(end)
			l.apply(l.policy.Exit(l.now, p.PID, end))
		}
	}
}

// forget ends the watching. While reports are unread, some may be the dead
// one's; a newborn of the same pid must not be taken for their sender.
func (l *Loop) forget(p *proc) {
	if err := l.epoll.remove(p.FD); err != nil {
		l.say(eventInternal, levelError, "a worker's pidfd cannot be removed: "+err.Error())
	}
	_ = unix.Close(p.FD)
	delete(l.procs, p.PID)
	delete(l.byPidfd, p.FD)
	if l.unread {
		l.gone[p.PID] = true
	}
}
