package loop

import (
	"time"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/policy"
)

// seat is what a worker has to do with the board.
type seat uint8

const (
	// noSeat: it reports by datagrams.
	noSeat seat = iota
	// seatOffered: it was born with a place there. Whether it uses that shows with
	// its first report.
	seatOffered
	// seatTaken: its bit is what counts.
	seatTaken
	// seatLeft: as before, but it is not available any more, and has no bit.
	seatLeft
)

const (
	// countPeriod is the time between two looks at what a busy pool has done.
	// It is when STATUS= learns of requests, and how late a limit of requests or
	// of time may be noticed.
	countPeriod = time.Second
	// More than ringBurst rings at once, with one more each ringPace, are
	// somebody who rings for nothing; they are heard ringPace later.
	ringPace  = time.Millisecond
	ringBurst = 64 * ringPace
	// fullPace is the least time between two rings of a pool at its limit, where
	// all may be busy for an instant thousands of times a second. Nothing is to
	// be done about it but to say so.
	fullPace = countPeriod
)

// seats are the workers on the board.
type seats struct {
	board *board.Board // nil = there is none
	procs []*proc      // by slot: those with an offered, taken or left seat
	n     int          // of them
	stale bool         // a bit ceased to count since the latest look

	armed   bool           // a ring will be heard
	rings   policy.Instant // moves on by ringPace with each
	quiet   policy.Instant // until then none of a pool at its limit is heard
	rearm   policy.Instant // when it will be heard again; 0 = nothing is put off
	due     policy.Instant // of the next count; 0 = none
	changed bool           // something, since the last count
	asleep  bool           // the next change rings, whatever it is
}

// fits reports whether a slot is one of the board.
func (s *seats) fits(slot int) bool { return s.board != nil && slot >= 0 && slot < board.Slots }

// prepare makes the slot of a coming birth ready, forget takes that back.
func (s *seats) prepare(slot int) {
	if s.fits(slot) {
		s.board.Prepare(slot)
	}
}

func (s *seats) forget(slot int) {
	if s.fits(slot) {
		s.board.Forget(slot)
		s.stale = true
	}
}

// offer books a birth with a place on the board.
func (s *seats) offer(p *proc) {
	if s.fits(p.slot) {
		s.enter(p, seatOffered)
	}
}

func (s *seats) enter(p *proc, as seat) {
	for len(s.procs) <= p.slot {
		s.procs = append(s.procs, nil)
	}
	s.procs[p.slot], p.seat = p, as
	s.n++
}

// resign ends what p has to do with the board.
func (s *seats) resign(p *proc) {
	if p.seat == noSeat {
		return
	}
	p.seat, s.procs[p.slot] = noSeat, nil
	s.n--
	s.forget(p.slot)
}

// leave: p is not available any more, so its bit must not keep others from
// ringing.
func (s *seats) leave(p *proc) {
	if p.seat == seatTaken {
		p.seat = seatLeft
		s.forget(p.slot)
	}
}

// resume finds the seat of a worker that an earlier process has left, and
// completes what was written of it. What it did since is counted later.
func (s *seats) resume(p *proc, e policy.Entry) policy.Entry {
	switch {
	case !s.fits(p.slot):
		return e
	case s.board.Owner(p.slot) != p.generation:
		if e.State < policy.IdleState && !e.Leaving {
			s.offer(p)
			s.board.Count(p.slot)
		}
		return e
	}
	s.enter(p, seatTaken)
	p.turns = 2 * uint64(e.Finished)
	e.State = policy.BusyState
	if s.board.Turns(p.slot)%2 == 0 {
		e.State = policy.IdleState
	}
	if e.Leaving {
		p.seat = seatLeft
	} else {
		s.board.Count(p.slot)
	}
	return e
}
