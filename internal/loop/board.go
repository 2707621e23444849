package loop

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// openSeats registers the eventfd of the board, for one ring: while nobody is
// idle, or one has been heard, more of them say nothing.
func (l *Loop) openSeats() error {
	if l.seats.board == nil {
		return nil
	}
	l.seats.armed = true
	return l.epoll.add(l.seats.board.WakeFD(), unix.EPOLLIN|unix.EPOLLONESHOT, kindRing)
}

// consult looks at the board at the beginning of a turn, so that everything else
// in it is decided by what is so now. What has to be counted for a deadline is
// counted before the deadline is acted on.
func (l *Loop) consult() {
	s := &l.seats
	if l.ready.ring {
		s.armed = false
		s.rings = max(s.rings, l.now-ringBurst) + ringPace
		if l.atLimit() {
			s.quiet = l.now + fullPace
		}
	}
	if s.n == 0 {
		s.due = 0
		return
	}
	if !s.armed {
		s.board.Hush() // before the look: what rings from here on is news
	}
	l.look()
	deadline, any := l.policy.Deadline()
	if s.due > 0 && l.now >= s.due || any && l.now >= deadline || l.ready.ring && s.asleep {
		l.count()
		l.doze()
	}
}

// look books who is idle now. Those that became idle come first: else a pool in
// which one worker followed the other would seem full for a moment.
func (l *Loop) look() {
	s := &l.seats
	s.stale = false
	freed, busy := s.board.Look()
	if dip := s.board.Dip(); dip > 0 {
		s.changed = true
		l.apply(l.policy.Dip(l.now, dip))
	}
	for _, slot := range freed {
		l.bookSeat(s.procs[slot], policy.Idle)
	}
	for _, slot := range busy {
		l.bookSeat(s.procs[slot], policy.Busy)
	}
	l.wakeCount()
}

// admit finds out whether a newborn uses the board. It is asked at its first
// report, and whenever all are counted, should that report be lost.
func (l *Loop) admit(p *proc) {
	if l.seats.board.Owner(p.slot) != p.generation {
		return
	}
	p.seat = seatTaken
	l.look()
	available := policy.Busy
	if l.seats.board.Idle(p.slot) {
		available = policy.Idle
	}
	l.bookSeat(p, available) // unless the look has; then it says nothing new
}

// bookSeat tells the policy what was found of a worker.
func (l *Loop) bookSeat(p *proc, available int) {
	if p == nil || p.seat != seatTaken {
		return
	}
	l.seats.changed = true
	r := l.jobs(p)
	r.Ready, r.HasAvailable, r.Available = true, true, available
	l.measureStart(p, available == policy.Idle)
	actions, _ := l.policy.Status(l.now, r)
	l.apply(actions)
}

// jobs is what p has done since it was last booked. What makes no sense is
// taken for nothing.
func (l *Loop) jobs(p *proc) policy.Report {
	turns := l.seats.board.Turns(p.slot)
	r := policy.Report{
		Worker: p.PID, Generation: p.generation, Held: -1, Board: true,
		Begun: (turns+1)/2 > (p.turns+1)/2,
	}
	if done := turns/2 - p.turns/2; done < 1<<31 {
		r.Finished = int(done)
	}
	p.turns = turns
	return r
}

// count books what all have done.
func (l *Loop) count() {
	for _, p := range l.seats.procs {
		switch {
		case p == nil:
		case p.seat == seatOffered:
			l.admit(p)
		case l.seats.board.Turns(p.slot) != p.turns:
			l.countJobs(p)
		}
	}
}

func (l *Loop) countJobs(p *proc) {
	l.seats.changed = true
	r := l.jobs(p)
	if p.seat == seatLeft { // without a bit, so the turns have to tell
		r.HasAvailable, r.Available = true, policy.Idle
		if p.turns%2 != 0 {
			r.Available = policy.Busy
		}
	}
	actions, _ := l.policy.Status(l.now, r)
	l.apply(actions)
}

// recount looks and counts, for whoever wants to know how things are.
func (l *Loop) recount() {
	if l.seats.n > 0 {
		l.look()
		l.count()
		l.wakeCount()
	}
}

// doze ends the counting when nothing has changed for a period, and asks to be
// rung at the next change. A change before that was noticed by nobody, so it
// looks once more.
func (l *Loop) doze() {
	s := &l.seats
	s.due = 0
	if !s.changed && (!s.asleep || l.ready.ring) {
		s.asleep = true
		s.board.Call(true)
		l.look()
		l.count()
	}
	l.wakeCount()
}

// wakeCount sees to it that a pool in which something changes is counted.
func (l *Loop) wakeCount() {
	s := &l.seats
	if !s.changed || s.due > 0 && !s.asleep {
		return
	}
	if s.asleep {
		s.asleep = false
		s.board.Call(false)
	}
	s.changed = false
	s.due = l.now + countPeriod
}

// leaveSeats ends a turn. Bits that ceased to count are taken away, and then all
// is decided again; and the next ring is heard, if it can be one.
func (l *Loop) leaveSeats() {
	s := &l.seats
	for s.n > 0 && s.stale {
		l.look()
		l.keep()
	}
	s.rearm = 0
	if s.n == 0 || s.armed || !s.board.AnyIdle() && !s.asleep {
		return
	}
	if due := l.nextRing(); due > l.now {
		s.rearm = due
		return
	}
	s.armed = l.epoll.modify(s.board.WakeFD(), unix.EPOLLIN|unix.EPOLLONESHOT, kindRing) == nil
}

// nextRing is from when on another ring is to be heard.
func (l *Loop) nextRing() policy.Instant {
	s := &l.seats
	if l.atLimit() {
		return max(s.rings, s.quiet)
	}
	return s.rings
}

func (l *Loop) atLimit() bool {
	c := l.policy.Condition(l.now)
	return c.Limit > 0 && c.Total >= c.Limit
}

// vacate books the last words of a dead worker, takes its bit away, and looks
// again: who took a job meanwhile may have seen that bit, and not rung.
func (l *Loop) vacate(p *proc) {
	if p.seat == noSeat {
		return
	}
	if p.seat != seatOffered || l.seats.board.Owner(p.slot) == p.generation {
		actions, _ := l.policy.Status(l.now, l.jobs(p))
		l.apply(actions)
	}
	l.seats.resign(p)
	l.look()
}

// boardFirst: a worker joins before its first report, or does without. From
// whoever has joined, availability and jobs are not taken in two ways.
func (l *Loop) boardFirst(p *proc, m *report.Message) {
	if p.seat == seatOffered && (m.Ready || m.Avail != report.None) {
		l.admit(p)
		if p.seat == seatOffered {
			l.seats.resign(p)
		}
	}
	if p.seat == seatTaken || p.seat == seatLeft {
		m.Avail, m.Done = report.None, -1
	}
}

// isGone reports whether the connection that made fd readable is gone already: a
// worker that is idle again tells nobody, and may have been faster than we.
func (l *Loop) isGone(fd int) bool {
	if l.seats.n == 0 || l.sockets.watch != policy.WatchOn {
		return false
	}
	n, err := nowait.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}})
	return err == nil && n == 0 || errors.Is(err, unix.EINTR) // a signal counts where nothing was found
}
