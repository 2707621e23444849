package loop

import (
	"time"

	"github.com/availd/availd/policy"
)

// This file counts what the workers on the board have done, and knows when to do so again. The
// board's turns (board.go) and whoever composes a status call it.

// count books what all have done.
func (s *boardSlots) count() {
	s.readNotes()
	for _, p := range s.procs {
		switch {
		case p == nil:
		case p.attachment == slotOffered:
			s.attach(p)
		case s.board.Turns(p.slot) != p.turns:
			s.countJobs(p)
		default:
			s.bookWaits(p)
		}
	}
	if s.cfg.Policy.MaxRequests > 0 {
		s.measurePace()
	}
}

func (s *boardSlots) countJobs(p *proc) {
	s.changed = true
	r := s.jobs(p)
	if p.attachment == attachedRetiring { // without a bit, so the turns have to tell
		r.HasAvailable, r.Available = true, policy.Idle
		if p.turns%2 != 0 {
			r.Available = policy.Busy
		}
	}
	actions, _ := s.policy.Status(s.now, r)
	s.apply(actions)
}

// recount scans the board and counts what all have done, before a status is composed.
func (s *boardSlots) recount() {
	if s.n > 0 {
		s.scan()
		s.count()
		s.wakeCount()
	}
}

// stopCounting ends the counting when nothing has changed for a period, and asks to be
// woken at the next change. A change just before that has woken nobody, so the board is
// scanned once more.
func (s *boardSlots) stopCounting() {
	s.due = 0
	if !s.changed && (!s.onChange || s.woken) {
		s.onChange = true
		s.board.WakeOnChange(true)
		s.scan()
		s.count()
	}
	s.wakeCount()
}

// wakeCount sees to it that a pool in which something changes is counted.
func (s *boardSlots) wakeCount() {
	if !s.changed || s.due > 0 && !s.onChange {
		return
	}
	if s.onChange {
		s.onChange = false
		s.board.WakeOnChange(false)
	}
	s.changed = false
	s.due = s.now + s.nextCount()
}

// nextCount is in how long all are counted again. Where the fastest may have done its share
// before (--max-requests), as far as is known, that is sooner: it would go beyond it by all that
// it can do in a second.
func (s *boardSlots) nextCount() time.Duration {
	most := s.cfg.Policy.MaxRequests
	if most == 0 || s.pace == 0 {
		return countPeriod
	}
	left := most
	for _, p := range s.procs {
		if p != nil && p.attachment == attached {
			left = min(left, policy.UsedUpAt(most, p.generation)-int(min(p.turns/2, 1<<30)))
		}
	}
	return min(max(time.Duration(left)*s.pace, leastCount), countPeriod)
}

// measurePace finds out how fast the fastest has been since the last count.
func (s *boardSlots) measurePace() {
	passed, done := s.now-s.counted, uint64(0)
	if passed < leastCount {
		return // it was counted for another reason
	}
	for _, p := range s.procs {
		if p != nil && p.attachment == attached {
			done, p.counted = max(done, p.turns/2-p.counted/2), p.turns
		}
	}
	if s.counted = s.now; done > 0 { // slower than a request in a period makes no difference
		s.pace = min(max(passed/time.Duration(min(done, 1<<30)), time.Microsecond), countPeriod)
	}
}
