package loop

import (
	"errors"
	"time"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// This file starts workers, by executing the command or through a template (orders.go). The
// Start action calls start; a turn calls follow before reports are read, and again near its
// end.
//
// A start is made of two parts. The process is there at once, with its pid and its
// pidfd. Its command is executed later, and nobody waits for that: how long it takes
// is up to whoever serves the command's file. So the loop looks whether the starts
// that are under way are over, at every turn, and when the youngest has become twice
// as old. Until then it keeps open what was handed over.

// CommandFault is an error of a start that is the command's own fault. Every other one
// is the system's, which was short of something.
type CommandFault struct{ Err error }

func (e CommandFault) Error() string { return e.Err.Error() }
func (e CommandFault) Unwrap() error { return e.Err }

// maxUnderWay bounds the starts whose command is not executed yet. A command that
// hangs would else take all processes of the machine, and more programs than
// processors that begin at a time begin no faster. The others wait, and the
// connections with them in the kernel.
const maxUnderWay = 48

// The time until the next look at starts that are under way.
const (
	firstLookAtStart = time.Millisecond
	lastLookAtStart  = 250 * time.Millisecond
)

// starts are what the loop knows of starts and of what comes of them.
type starts struct {
	*core
	workers   *workers
	clients   *clients
	memory    *memory
	board     *boardSlots
	templates *templates

	postponed *policy.Action // a start beyond maxStarts
	inTurn    int            // so that maxStarts holds
	underWay  []*proc        // their commands are not executed yet; in order of start
	over      []*proc        // scratch of follow
	due       policy.Instant // the next look at them; 0 = there are none
}

// start starts a worker, unless this turn has seen enough of them.
func (s *starts) start(a policy.Action) []policy.Action {
	if !s.may() {
		s.postponed = &a
		return nil
	}
	s.inTurn++
	slot := s.memory.intend(a)
	s.board.prepare(slot)
	if s.templates.forksWorkers() {
		return s.templates.orderWorker(a, slot)
	}
	conn := s.clients.take()
	p, err := s.seams.Start(a.Generation, a.Stress, s.board.given(slot), conn.given())
	if err == nil {
		err = s.enter(p, a, slot, conn)
	}
	if err != nil {
		s.board.forget(slot)
		s.memory.release(slot)
		return s.refused(a.Generation, conn, err)
	}
	return s.policy.Started(s.now, a.Generation, p.PID)
}

func (s *starts) may() bool { return s.inTurn < maxStarts && len(s.underWay) < maxUnderWay }

// waits: the postponed start waits for those that are under way.
func (s *starts) waits() bool { return s.postponed != nil && len(s.underWay) >= maxUnderWay }

// startPostponed carries out the start that an earlier turn postponed.
func (s *starts) startPostponed() {
	if s.postponed == nil || !s.may() {
		return
	}
	a := *s.postponed
	s.postponed = nil
	s.apply([]policy.Action{a})
}

// refused answers a start of which nothing has come.
func (s *starts) refused(generation uint64, conn *client, err error) []policy.Action {
	s.facts.refusal = err
	if isFault(err) {
		s.clients.close(conn)
		return s.policy.StartFailed(s.now, generation)
	}
	s.clients.keep(conn)
	return s.policy.StartRefused(s.now, generation, conn != nil)
}

func isFault(err error) bool {
	var fault CommandFault
	return errors.As(err, &fault)
}

// follow finds out which starts are over.
func (s *starts) follow() {
	if len(s.underWay) == 0 {
		s.due = 0 // an order that has failed is under way no more
		return
	}
	rest, over := s.underWay[:0], s.over[:0]
	for _, p := range s.underWay {
		if s.isStartOver(p) {
			over = append(over, p)
		} else {
			rest = append(rest, p)
		}
	}
	clear(s.underWay[len(rest):])
	s.underWay, s.over = rest, over
	for _, p := range over {
		s.endOne(p)
	}
	clear(s.over)
	s.due = 0
	if n := len(s.underWay); n > 0 {
		age := s.now - s.underWay[n-1].timing.started
		s.due = s.now + min(max(age, firstLookAtStart), lastLookAtStart)
	}
}

// isStartOver looks whether a start is over, and remembers it.
func (c *core) isStartOver(p *proc) bool {
	if p.order == nil && !p.startOver {
		p.startOver, p.unexecuted = c.seams.Executed(p.Process)
	}
	return p.startOver
}

// endOne acts on a start that is over. One that has failed is booked when its
// process has ended, which it is about to, and keeps its connection until then.
func (s *starts) endOne(p *proc) {
	p.starting = false
	if p.unexecuted != nil {
		return
	}
	s.clients.close(p.conn)
	p.conn = nil
	if p.Given > 0 {
		_ = nowait.Close(p.Given)
		p.Given = 0
	}
	s.apply(s.policy.Executed(s.now, p.PID))
}

// notExecuted books the end of a worker that could not execute its command.
func (s *starts) notExecuted(p *proc) {
	s.facts.refusal = p.unexecuted
	if p.Given > 0 {
		_ = nowait.Close(p.Given)
	}
	fault := isFault(p.unexecuted)
	keep := p.conn != nil && !fault && !p.forced
	if keep {
		s.clients.keep(p.conn)
	} else {
		s.clients.close(p.conn)
	}
	s.apply(s.policy.NotExecuted(s.now, p.PID, !fault, keep))
}
