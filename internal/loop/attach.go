package loop

import (
	"time"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/policy"
)

// This file books which worker has which slot of the board: a slot is prepared before a
// start, offered after it, attached when the worker uses it, and released when it has
// ended. board.go reads the slots.

// attachment is what a worker has to do with the board.
type attachment uint8

const (
	// notOnBoard: it reports by datagrams.
	notOnBoard attachment = iota
	// slotOffered: it was started with a slot there. Whether it uses that shows with
	// its first report.
	slotOffered
	// attached: its bit is what counts.
	attached
	// attachedRetiring: as before, but it is not available any more, and has no bit.
	attachedRetiring
)

const (
	// countPeriod is the time between two looks at what a busy pool has done.
	// It is when STATUS= learns of requests, and how late a limit of time may be noticed.
	countPeriod = time.Second
	// leastCount is the least such time, where workers that have done their share are to be
	// noticed.
	leastCount = 20 * time.Millisecond
	// More than wakeBurst wake events at once, with one more each wakePace, are
	// somebody who wakes for nothing; they are acted on wakePace later.
	wakePace  = time.Millisecond
	wakeBurst = 64 * wakePace
	// fullPace is the least time between two wake events of a pool at its limit, where
	// all may be busy for an instant thousands of times a second. Nothing is to
	// be done about it but to say so.
	fullPace = countPeriod
)

// boardSlots are the workers on the board.
type boardSlots struct {
	*core
	memory *memory
	ages   *inspection

	board *board.Board // nil = there is none
	procs []*proc      // by slot: those with an offered slot, attached, or retiring
	n     int          // of them
	stale bool         // a bit ceased to count since the latest look

	woken    bool           // by the wake event, in this turn
	armed    bool           // a wake event will be seen
	wakes    policy.Instant // moves on by wakePace with each
	quiet    policy.Instant // until then none of a pool at its limit is acted on
	rearm    policy.Instant // when it will be heard again; 0 = nothing is put off
	due      policy.Instant // of the next count; 0 = none
	counted  policy.Instant // when the last was
	pace     time.Duration  // how long the fastest worker takes for a request, waiting included; 0 = not known
	changed  bool           // something, since the last count
	onChange bool           // the next change wakes the loop, whatever it is

	preload  bool    // workers join by the shared object of --preload, and report in no other way
	silent   bool    // it came to nothing: new workers get no slot here
	unjoined []*proc // started with a slot and not on the board yet, in order of start; with preload only
}

// fits reports whether a slot is one of the board.
func (s *boardSlots) fits(slot int) bool { return s.board != nil && slot >= 0 && slot < board.Slots }

// given is the slot that a new worker is told; -1 = it gets none.
func (s *boardSlots) given(slot int) int {
	if s.silent || !s.fits(slot) {
		return -1
	}
	return slot
}

// prepare makes the slot of a coming start ready, forget takes that back.
func (s *boardSlots) prepare(slot int) {
	if s.fits(slot) {
		s.board.Prepare(slot)
	}
}

func (s *boardSlots) forget(slot int) {
	if s.fits(slot) {
		s.board.Forget(slot)
		s.stale = true
	}
}

// offer books a start with a slot on the board.
func (s *boardSlots) offer(p *proc) {
	if s.given(p.slot) < 0 {
		return
	}
	s.enter(p, slotOffered)
	if s.preload {
		s.unjoined = append(s.unjoined, p)
	}
}

func (s *boardSlots) enter(p *proc, as attachment) {
	for len(s.procs) <= p.slot {
		s.procs = append(s.procs, nil)
	}
	s.procs[p.slot], p.attachment = p, as
	s.n++
}

// release ends what p has to do with the board.
func (s *boardSlots) release(p *proc) {
	if p.attachment == notOnBoard {
		return
	}
	p.attachment, s.procs[p.slot] = notOnBoard, nil
	s.n--
	s.forget(p.slot)
}

// retire: p is not available any more, so its bit must not keep others from
// waking availd.
func (s *boardSlots) retire(p *proc) {
	if p.attachment == attached {
		p.attachment = attachedRetiring
		s.forget(p.slot)
	}
}

// resume finds the slot of a worker that an earlier process has left, and
// completes what was written of it. What it did since is counted later.
func (s *boardSlots) resume(p *proc, e policy.Entry) policy.Entry {
	switch {
	case !s.fits(p.slot):
		return e
	case s.board.Owner(p.slot) != p.generation:
		if e.State < policy.IdleState && !e.Retiring {
			s.offer(p)
			s.board.Count(p.slot)
		}
		return e
	}
	s.enter(p, attached)
	p.turns, p.waits = 2*uint64(e.Finished), s.board.Waits(p.slot)
	e.State = policy.BusyState
	if s.board.Turns(p.slot)%2 == 0 {
		e.State = policy.IdleState
	}
	if e.Retiring {
		p.attachment = attachedRetiring
	} else {
		s.board.Count(p.slot)
	}
	return e
}
