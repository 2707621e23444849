package loop

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/policy"
)

// This file reads the board. A turn calls read first and arm last, so that all
// decisions in between rest on what the board says now; a status and the exit of a
// worker read it in between.

// open registers the eventfd of the board, for one wake event: while nobody is
// idle, or one has been heard, more of them say nothing.
func (s *boardSlots) open() error {
	if s.board == nil {
		return nil
	}
	s.armed = true
	return s.epoll.add(s.board.WakeFD(), unix.EPOLLIN|unix.EPOLLONESHOT, kindBoard)
}

// read looks at the board at the beginning of a turn, so that everything else
// in it is decided by what is so now. What has to be counted for a deadline is
// counted before the deadline is acted on.
func (s *boardSlots) read(woken bool) {
	s.woken = woken
	if woken {
		s.armed = false
		s.wakes = max(s.wakes, s.now-wakeBurst) + wakePace
		if s.atLimit() {
			s.quiet = s.now + fullPace
		}
	}
	if s.n == 0 {
		s.due = 0
		return
	}
	if !s.armed {
		s.board.ClearWake() // before the look: what wakes the loop from here on is new
	}
	s.scan()
	if !s.armed { // what was taken back may have been a note's
		s.readNotes()
	}
	deadline, any := s.policy.Deadline()
	if s.due > 0 && s.now >= s.due || any && s.now >= deadline || s.woken && s.onChange {
		s.count()
		s.stopCounting()
	}
}

// scan books who is idle now. Those that became idle come first: else a pool in
// which one worker followed the other would seem full for a moment.
func (s *boardSlots) scan() {
	s.stale = false
	freed, busy := s.board.Look()
	if dip := s.board.Dip(); dip > 0 {
		s.changed = true
		s.apply(s.policy.Dip(s.now, dip))
	}
	for _, slot := range freed {
		s.book(s.procs[slot], policy.Idle)
	}
	for _, slot := range busy {
		s.book(s.procs[slot], policy.Busy)
	}
	s.wakeCount()
}

// attach finds out whether a new worker uses the board. It is asked at its first
// report, and whenever all are counted, should that report be lost.
func (s *boardSlots) attach(p *proc) {
	if s.board.Owner(p.slot) != p.generation {
		return
	}
	p.attachment = attached
	s.scan()
	available := policy.Busy
	if s.board.Idle(p.slot) {
		available = policy.Idle
	}
	s.book(p, available) // unless the look has; then it says nothing new
}

// book tells the policy what was found of a worker.
func (s *boardSlots) book(p *proc, available int) {
	if p == nil || p.attachment != attached {
		return
	}
	s.changed = true
	r := s.jobs(p)
	r.Ready, r.HasAvailable, r.Available = true, true, available
	s.measureStart(p, available == policy.Idle, s.now)
	actions, _ := s.policy.Status(s.now, r)
	s.apply(actions)
}

// jobs is what p has done since it was last booked. What makes no sense is
// taken for nothing.
func (s *boardSlots) jobs(p *proc) policy.Report {
	turns := s.board.Turns(p.slot)
	r := policy.Report{
		Worker: p.PID, Generation: p.generation, Held: -1, Board: true,
		Begun: (turns+1)/2 > (p.turns+1)/2,
	}
	if done := turns/2 - p.turns/2; done < 1<<31 {
		r.Finished = int(done)
	}
	p.turns = turns
	s.bookWaits(p)
	return r
}

// bookWaits books how long the connections have waited that p has accepted since it was last
// booked, if it says so.
func (s *boardSlots) bookWaits(p *proc) {
	waits := s.board.Waits(p.slot)
	if waits == p.waits {
		return
	}
	counts, sum := waits.Since(p.waits)
	p.waits, s.ages.measured = waits, true
	s.tally.Waits.Add(state.Histogram{Counts: counts, Sum: sum})
}

// arm ends a turn. Bits that ceased to count are taken away, and then all
// is decided again; and the next wake event is seen, if it can be one.
func (s *boardSlots) arm() {
	for s.n > 0 && s.stale {
		s.scan()
		s.memory.keep()
	}
	s.rearm = 0
	if s.n == 0 || s.armed || !s.board.AnyIdle() && !s.onChange && len(s.unjoined) == 0 {
		return
	}
	if due := s.nextWake(); due > s.now {
		s.rearm = due
		return
	}
	s.armed = s.epoll.modify(s.board.WakeFD(), unix.EPOLLIN|unix.EPOLLONESHOT, kindBoard) == nil
}

// nextWake is from when on another wake event is to be acted on.
func (s *boardSlots) nextWake() policy.Instant {
	if s.atLimit() {
		return max(s.wakes, s.quiet)
	}
	return s.wakes
}

func (s *boardSlots) atLimit() bool {
	c := s.condition()
	return c.Limit > 0 && c.Total >= c.Limit
}

// detach books what the board says last of a dead worker, takes its bit away, and looks
// again: who took a job meanwhile may have seen that bit, and not woken us.
func (s *boardSlots) detach(p *proc, end policy.End) {
	if p.attachment == notOnBoard {
		return
	}
	if p.attachment != slotOffered || s.board.Owner(p.slot) == p.generation {
		actions, _ := s.policy.Status(s.now, s.lastRequest(p, s.jobs(p), end))
		s.apply(actions)
	}
	s.release(p)
	s.scan()
}

// first: a worker joins before its first report, or does without. From
// a worker that has joined, availability and jobs are not taken in two ways.
func (s *boardSlots) first(p *proc, m *report.Message) {
	if p.attachment == slotOffered && (m.Ready || m.Avail != report.None) {
		s.attach(p)
		if p.attachment == slotOffered {
			s.release(p)
		}
	}
	if p.attachment == attached || p.attachment == attachedRetiring {
		m.Avail, m.Done = report.None, -1
	}
}

// isTaken reports whether the connection that made fd readable is gone already: a
// worker that is idle again tells nobody, and may have been faster than we.
func (s *boardSlots) isTaken(fd int) bool {
	if s.n == 0 || s.sockets.watch != policy.WatchOn {
		return false
	}
	n, err := nowait.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}})
	return err == nil && n == 0 || errors.Is(err, unix.EINTR) // a signal counts where nothing was found
}
