package quiesce

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
)

// A process under a load that never pauses takes its next connection some microseconds
// after the one before, so no look finds it without one. It is free between the two
// all the same, and can be caught there by stopping it at any moment and looking then,
// again and again. That is no harm to short requests, and would be one to a client that
// takes its time. So the caller is told whether a process holds other connections than
// at the look before, from which it can see how quickly it goes from one to the next.

// passing is what the processes that are looked at were seen to hold, by pid.
type passing map[int][]uint64

// mostPassing is how many processes are remembered. What is forgotten is learnt again.
const mostPassing = 64

// through books what a process holds, and reports whether it held others at the look
// before. Of several connections all must be others.
func (p *passing) through(pid int, held []Connection) bool {
	if *p == nil || len(*p) > mostPassing {
		*p = passing{}
	}
	before, known := (*p)[pid]
	same := slices.ContainsFunc(held, func(c Connection) bool { return !c.Sure || slices.Contains(before, c.Inode) })
	if known && same {
		return false
	}
	inodes := make([]uint64, 0, len(held))
	for _, c := range held {
		inodes = append(inodes, c.Inode)
	}
	(*p)[pid] = inodes
	return known
}

// catchLong bounds how long a process is continued and stopped in one go. Most of that
// time it runs; it is stopped for what a look takes.
const catchLong = 100 * time.Millisecond

// catchPauses are for how long it runs in between where its descriptors do not tell when
// to stop it. A request that waits for something, a timer say, has waited enough while its
// process was stopped: it ends right after SIGCONT, and so does the moment between two
// requests come. Always 2 ms later that moment was missed: a stop took up to three minutes
// on a busy machine.
var catchPauses = [...]time.Duration{
	50 * time.Microsecond, 200 * time.Microsecond, 100 * time.Microsecond, time.Millisecond, 150 * time.Microsecond,
	300 * time.Microsecond, 75 * time.Microsecond, 2 * time.Millisecond,
}

// watchEvery is which of the tries do not watch the descriptors: a process that has more of
// them open now, by chance, than with a connection alone would not be seen to close that.
const watchEvery = 4

// awaitFewer returns when a process has fewer descriptors than most, or at the end of time.
// It sleeps for a moment now and then only, so that others of this process run, too: what
// it waits for is shorter than waking up takes.
func awaitFewer(w *procfs.FileCounter, most int, end time.Time) {
	rest := time.Now().Add(watchLong)
	for w.Count() >= most {
		now := time.Now()
		if !now.Before(end) {
			return
		}
		if now.After(rest) {
			time.Sleep(watchRest)
			rest = time.Now().Add(watchLong)
		}
	}
}

const (
	watchLong = 2 * time.Millisecond
	watchRest = 20 * time.Microsecond
)

// haltedSoon is halted of a process that is given the time to stop, for which it has to
// run once more: on a busy machine that may be some milliseconds later, in which nothing
// else would come of this try.
func (l *Looker) haltedSoon(pid int, end time.Time) State {
	for {
		state := l.halted(pid)
		if state != Running || !time.Now().Before(end) {
			return state
		}
		time.Sleep(stopPause)
	}
}

// stopPause is the time between two looks whether a process has stopped.
const stopPause = 100 * time.Microsecond

// catch continues and stops a process until it is found free. Between two connections it
// has a descriptor less, for some microseconds: no time to stop it by chance, which took
// hundreds of tries, but enough for somebody who waits for nothing else.
func (l *Looker) catch(q Question, found State) State {
	q.Draining = false // one that goes from one request to the next has no idle connections
	passed := found == Passing
	w, err := procfs.CountFiles(q.PID)
	if err != nil {
		return found
	}
	defer w.Close()
	held := w.Count()
	end := time.Now().Add(catchLong)
	for n := 0; time.Now().Before(end); n++ {
		if found != Holding && found != Passing && found != Running {
			return found
		}
		if unix.PidfdSendSignal(q.FD, unix.SIGCONT, nil, 0) != nil {
			return Gone
		}
		if n%watchEvery == watchEvery-1 {
			time.Sleep(catchPauses[n/watchEvery%len(catchPauses)])
		} else {
			awaitFewer(w, held, end)
		}
		if unix.PidfdSendSignal(q.FD, unix.SIGSTOP, nil, 0) != nil {
			return Gone
		}
		// As many files as when it held a connection: it holds another one by now. Only
		// fewer are worth the questions of a whole look, which takes ten times as long.
		now := l.haltedSoon(q.PID, end)
		if files := w.Count(); now != stopped || files < held {
			if found = now; now == stopped {
				l.asked = false
				found = l.judge(q)
				held = files
			}
		} else {
			held = files
		}
		passed = passed || found == Passing
	}
	if found == Holding && passed {
		return Passing
	}
	return found
}
