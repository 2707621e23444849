package loop

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file follows workers that report through the shared object of --preload. They use
// the board and nothing else: a worker has joined when its slot has an owner, which its
// wake event tells, and a note beside it says why the object is silent. Until the first one
// has joined, and again when the object cannot tell what workers do, that is inferred from
// the queues, as without it.

// joinLong replaces a start timeout of 0.
const joinLong = 30 * time.Second

// readNotes finds out which workers have joined the board, and whether the object is silent
// in any of them.
func (s *boardSlots) readNotes() {
	if !s.preload {
		return
	}
	for _, p := range s.unjoined {
		if p.attachment == slotOffered {
			s.attach(p)
		}
	}
	s.unjoined = slices.DeleteFunc(s.unjoined, func(p *proc) bool { return p.attachment != slotOffered })
	for _, p := range s.procs {
		if p == nil {
			continue
		}
		if why := silences[s.board.Note(p.slot)]; why != nil {
			s.giveUpPreload(p, why)
			return
		}
	}
}

// silences are the reasons that the object gives, by its note.
var silences = map[board.Note]*event.Message{
	board.SeveralClients: event.PreloadClients,
	board.SeveralThreads: event.PreloadThreads,
	board.WakeClosed:     event.PreloadClosed,
}

// checkJoins acts on the worker that had its time to join. Where others have joined, and
// the object is loaded into this one too, that is a start like any other, with the start
// timeout of the policy.
func (s *boardSlots) checkJoins() {
	due := s.nextJoin()
	if due == 0 || s.now < due {
		return
	}
	s.readNotes()
	if due = s.nextJoin(); due == 0 || s.now < due {
		return
	}
	p := s.unjoined[0]
	s.unjoined = s.unjoined[1:]
	switch loaded := s.board.Note(p.slot) != board.NoNote; {
	case !loaded:
		s.giveUpPreload(p, event.PreloadNotLoaded)
	case s.policy.Infers():
		s.giveUpPreload(p, event.PreloadNeverWaits)
	}
}

// nextJoin is when the oldest worker that has not joined has to have; 0 = there is none.
func (s *boardSlots) nextJoin() policy.Instant {
	for len(s.unjoined) > 0 && (s.unjoined[0].attachment != slotOffered || s.isDead(s.unjoined[0])) {
		s.unjoined = s.unjoined[1:]
	}
	if len(s.unjoined) == 0 {
		return 0
	}
	return s.unjoined[0].timing.started + s.joinTimeout()
}

func (s *boardSlots) joinTimeout() time.Duration {
	if s.cfg.StartTimeout <= 0 {
		return joinLong
	}
	return s.cfg.StartTimeout
}

// giveUpPreload goes back to inference, once: all workers run one program. New ones get no
// place, and so no object, until a reload.
func (s *boardSlots) giveUpPreload(p *proc, why *event.Message) {
	s.unjoined, s.silent = nil, true
	for _, p := range slices.Clone(s.procs) {
		if p == nil {
			continue
		}
		if p.attachment != slotOffered {
			actions, _ := s.policy.Status(s.now, s.jobs(p))
			s.apply(actions)
		}
		s.release(p)
	}
	s.scan()
	s.apply(s.policy.InferAgain(s.now))
	s.say(why, event.Worker(p.PID, p.generation))
}

// tryPreload: a reload may have brought another program.
func (s *boardSlots) tryPreload() { s.silent = false }

// lastRequest completes what was found of a worker that has ended: without the object's
// help a program exits, or is ended between two connections, before it comes back for
// another client. Its last request was finished all the same.
func (s *boardSlots) lastRequest(p *proc, r policy.Report, end policy.End) policy.Report {
	asked := p.by != 0 && !p.forced && (end.Signal == 0 || p.by == unix.SIGKILL && end.Signal == int(unix.SIGKILL))
	if s.preload && p.turns%2 != 0 && !end.Unknown && (end.Good() || asked) {
		r.Finished++
	}
	return r
}
