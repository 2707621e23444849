package quiesce

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/policy"
)

// Where workers do not report, what they have to do shows in their connections: a worker is
// at a request as long as it holds a connection on which a client waits for it. That is so
//
//   - if the kernel's data say that something has come since the worker has last sent
//     something, or
//   - if no thread of the worker waits for this client. One that waits has answered, and
//     what it waits for is the next request: the connection is kept open, and idle.
//
// The second one also tells a worker that has sent half of an answer and then computes, or
// waits for somebody else. Programs that wait with epoll_wait(2) wait for all at once: they
// count as waiting for their client then, so that one that has sent half of its answer is not
// at work. Of a Unix socket the kernel counts nothing, and the second rule alone is there.
//
// A request is the one that was there at the look before, if the connection is the same and
// nothing went both ways on it since. On a Unix socket, where that cannot be seen, the worker
// must not have waited anew: else it may have answered meanwhile, and be at the next request.
// In doubt it is a new one, as somebody may be killed for what is found here.

// job is a request, as it was seen at the look before.
type job struct {
	begun   time.Time
	traffic traffic
	waits   uint64 // how often the process had waited until then
	works   bool
	pid     int // 0 = whose it is was not found out
	seen    int // in the round of that number

	// What only Due needs.
	asked   int           // the worker: pid, or what has started it
	fd      int           // its descriptor
	unclear bool          // it has to be looked at closely
	passed  time.Duration // the age at which it was last
	rests   time.Time     // the worker was seen to wait for its client, and nothing went since
	sought  time.Time     // nobody was found to have it
	scans   int           // at so many processes, so far
}

// Works completes what is asked of each worker, or of the process that it has started and
// waits for. It takes as long as Look does, and remembers what it has seen for the next time.
func (l *Looker) Works(asked []policy.Working) {
	l.begin()
	l.worksNow(asked)
}

func (l *Looker) worksNow(asked []policy.Working) {
	for i := range asked {
		if l.proc {
			l.work(&asked[i], time.Now())
		}
	}
	l.forget()
}

// holds returns what a worker holds, and which process it is that does: the one that it has
// started and waits for, or else itself, as it may wait for a program that its request needs.
func (l *Looker) holds(worker int) (pid int, held []Connection) {
	pid = procfs.Servant(worker)
	held, _, err := l.connections(Process{pid, -1})
	sure := func(c Connection) bool { return c.Sure }
	if pid != worker && (err != nil || !slices.ContainsFunc(held, sure)) {
		pid = worker
		held, _, err = l.connections(Process{pid, -1})
	}
	if err != nil {
		return pid, nil
	}
	return pid, held
}

func (l *Looker) work(w *policy.Working, now time.Time) {
	pid, held := l.holds(w.Worker)
	var waiting map[uint64]bool
	waits, visible := uint64(0), false
	for _, c := range held {
		if !c.Sure {
			continue
		}
		if waiting == nil {
			waiting, visible = waitedFor(pid)
			waits = procfs.WaitCount(pid)
		}
		w.Holds = true
		j := l.judgeJob(c.Inode, waiting[c.Inode] || !visible, job{begun: now, waits: waits, pid: pid, seen: l.round, asked: w.Worker, fd: c.FD})
		l.jobs[c.Inode] = j
		if age := now.Sub(j.begun); j.works && (!w.Works || age > w.For) {
			w.Works, w.For = true, age
		}
	}
}

// judgeJob completes what is known of a connection: whether its client waits for the
// worker, and since when.
func (l *Looker) judgeJob(inode uint64, waitsForIt bool, j job) job {
	before, known := l.jobs[inode]
	s, isTCP := l.info()[inode]
	isTCP = isTCP && s.Info
	outstanding := isTCP && isOutstanding(s)
	j.works, j.traffic = outstanding || !waitsForIt, traffic{s.Received, s.Sent}
	if !j.works {
		j.rests = j.begun
		return j
	}
	same := known && before.works && before.pid == j.pid
	if isTCP {
		same = same && (before.traffic.received == s.Received || before.traffic.sent == s.Sent)
	} else {
		same = same && before.waits == j.waits
	}
	switch {
	case same:
		j.begun, j.passed = before.begun, before.passed
	case outstanding:
		j.begun = j.begun.Add(-s.SinceReceived) // what has come last is the request, or its end
	}
	return j
}

// waitedFor are the sockets that some thread of a process waits for something to come from;
// false: that may not be seen, or cannot be told.
func waitedFor(pid int) (inodes map[uint64]bool, visible bool) {
	inodes = map[uint64]bool{}
	threads, err := procfs.Threads(pid)
	if err != nil {
		return inodes, false
	}
	for _, thread := range threads {
		number, inCall, err := procfs.CallOf(pid, thread)
		switch {
		case procfs.IsGone(err):
			continue
		case err != nil || inCall && number.Number == unix.SYS_IO_URING_ENTER:
			return inodes, false
		case !inCall:
			continue
		}
		c := call{thread, number}
		for _, fd := range awaits(pid, c) {
			inodes[inodeOf(pid, thread, uint64(fd))] = true
		}
		if isEpoll(c) {
			for _, inode := range watchedBy(pid, int(int32(c.Args[0]))) {
				inodes[inode] = true
			}
		}
	}
	return inodes, true
}

// awaits are the descriptors of a call that waits for something to come from any of them,
// whatever else it waits for.
func awaits(pid int, c call) (numbers []int) {
	switch {
	case isRead(c):
		return []int{int(uint32(c.Args[0]))}
	case isPoll(c):
		const size = 8 // struct pollfd: fd, events, revents
		list := make([]byte, min(c.Args[1], mostPolled)*size)
		if !procfs.ReadMemory(pid, c.Args[0], list) {
			return nil
		}
		for ; len(list) >= size; list = list[size:] {
			if fd := int32(native.Uint32(list)); fd >= 0 && native.Uint16(list[4:])&unix.POLLIN != 0 {
				numbers = append(numbers, int(fd))
			}
		}
	case isSelect(c):
		c.Args[2] = 0 // that it may write to some, too, is not the matter
		c.Args[0] = min(c.Args[0], mostPolled)
		return selected(pid, c)
	}
	return numbers
}

// watchedBy are the inodes in an epoll set (proc_pid_fdinfo(5), Linux 4.13).
func watchedBy(pid, fd int) (inodes []uint64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	for line := range strings.Lines(string(text)) {
		if _, rest, found := strings.Cut(line, " ino:"); found {
			word, _, _ := strings.Cut(rest, " ")
			if inode, err := strconv.ParseUint(word, 16, 64); err == nil {
				inodes = append(inodes, inode)
			}
		}
	}
	return inodes
}
