package loop

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// This file has the loop's table of workers and watches their pidfds. A start enters a
// worker (enter), restore enters adopted ones, and ended.go removes them.

// proc is a living worker: what the policy does not need to know of it.
type proc struct {
	spawn.Process
	generation   uint64
	channel      *channel    // nil = it has none (any more)
	inode        uint64      // of its pidfd on pidfs (Linux 6.9), 0 = cannot tell
	text         string      // its STATUS=
	explained    explanation // what it was seen to do
	rejectLogged bool        // a bad report of it was logged
	by           unix.Signal // by which it was asked to retire, so that an end by it is a good one
	forced       bool        // to end: after a timeout, or at a stop
	timing       timing
	program      *templateProc // it is no worker, but this; nil for all workers
	slot         int           // where it is written down, -1 = nowhere
	stored       bool          // the service manager has a copy of FD
	wasStored    bool          // an earlier image of this process may have given it one
	adopted      bool
	heir         bool       // not started by us: a worker has left it in its place
	source       string     // of the connection it was started with
	conn         *client    // that connection, until the start is over
	order        *order     // it is ordered and not there yet: PID is no process
	starting     bool       // the start is not over, or is not booked
	startOver    bool       // it is over
	unexecuted   error      // why its command could not be executed
	unwatched    bool       // not in the epoll set
	attachment   attachment // on the board
	turns        uint64     // there, as booked last
	counted      uint64     // … and at the last count
	size         int64      // bytes of memory that it takes, as last found; at most 0 = not known
	sizedAt      int        // finished requests at that time
	sized        bool       // … and it was looked at then
	waits        board.Waits
}

// workers are the table by pidfd, and what cannot be watched or collected yet.
type workers struct {
	*core
	channels *channels

	byPidfd   map[int]*proc
	unwatched []*proc         // their end cannot be noticed yet
	discarded []spawn.Process // killed before they were workers, and not collected
	due       policy.Instant  // the next try to watch or collect them; 0 = there are none
}

// enter begins to watch a worker. On error it is killed: a worker whose end
// cannot be noticed would hold its slot for ever. The pid of an adopted worker,
// which the service manager collects, may be given away before we reap it.
func (s *starts) enter(n spawn.Process, a policy.Action, slot int, conn *client) error {
	p := &proc{Process: n, generation: a.Generation, slot: slot, timing: timing{started: s.now}}
	if s.cfg.ReportFD >= 0 { // only reports are told apart by it
		p.inode = pidfdInode(n.FD)
	}
	if err := s.workers.watch(p); err != nil {
		s.workers.discard(n)
		return err
	}
	if slot >= 0 {
		s.seams.Keep.Started(slot, n)
	}
	if conn != nil && conn.Source != "" {
		p.source = conn.Source
		s.clients.sources.enter(p.source)
	}
	p.conn, p.starting = conn, true
	s.underWay = append(s.underWay, p)
	s.due = s.now + firstLookAtStart
	s.memory.storeLater(p)
	s.board.offer(p)
	return nil
}

func (w *workers) watch(p *proc) error {
	if w.procs[p.PID] != nil {
		return fmt.Errorf("watch worker %d: an earlier one of that pid is not reaped yet", p.PID)
	}
	var unwatchable error
	switch err := w.epoll.add(p.FD, unix.EPOLLIN, kindWorker); {
	case errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.ENOMEM):
		p.unwatched, unwatchable = true, err
	case err != nil:
		return err
	}
	if p.Channel != 0 {
		if err := w.channels.open(p.Channel, p.generation, p); err != nil {
			if !p.unwatched {
				_ = w.epoll.remove(p.FD)
			}
			return err
		}
	}
	w.procs[p.PID], w.byPidfd[p.FD] = p, p
	if p.unwatched {
		w.watchLater(p, unwatchable)
	}
	return nil
}

// watchLater: the kernel had no memory for one more descriptor in the set, or epoll
// no room (max_user_watches, epoll(7)). The worker is well, so it is tried again.
func (w *workers) watchLater(p *proc, err error) {
	w.unwatched = append(w.unwatched, p)
	if w.due == 0 {
		w.due = w.now + watchAgain
		w.say(event.EndUnwatched, event.Worker(p.PID, p.generation), event.Cause(err))
	}
}

// watchAgain tries to watch those that could not be watched before.
func (w *workers) watchAgain() {
	if w.due == 0 || w.now < w.due {
		return
	}
	w.unwatched = slices.DeleteFunc(w.unwatched, func(p *proc) bool {
		if !w.isDead(p) && w.epoll.add(p.FD, unix.EPOLLIN, kindWorker) != nil {
			return false
		}
		p.unwatched = false
		return true
	})
	w.discarded = slices.DeleteFunc(w.discarded, func(n spawn.Process) bool {
		_, ended, err := w.seams.Wait(n)
		if ended || err != nil {
			_ = nowait.Close(n.FD)
		}
		return ended || err != nil
	})
	w.due = 0
	if len(w.unwatched)+len(w.discarded) > 0 {
		w.due = w.now + watchAgain
	}
}

// discard ends a new worker that cannot be used. It is collected when it has ended, which
// nobody waits for.
func (w *workers) discard(n spawn.Process) {
	_ = w.seams.Signal(n, unix.SIGKILL, true)
	for _, fd := range []int{n.Channel, n.Given} {
		if fd > 0 {
			_ = nowait.Close(fd)
		}
	}
	w.discarded = append(w.discarded, n)
	w.due = w.now + watchAgain
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
