package loop

import (
	"errors"
	"slices"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/template"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// This file has the orders to templates. The policy is answered at once, when a worker is
// ordered; until its process is known the worker is in the table of the loop under a
// negative number, which is that of its generation. It has its slot in the state and on the
// board from the order on.
//
// An order that was sent ends in one of four ways: the worker says that it is there
// (BORN=), the template says that it cannot fork (FAILED=), the process that was forked
// ends without a word, or the template is gone. Only then is its slot free: until then the
// worker may be there, and may have accepted a connection.

// order is a worker that is ordered and not there yet.
type order struct {
	to      *templateProc // that it was sent to; nil = it waits for a template
	stress  bool
	sent    policy.Instant
	tries   int  // templates that have ended with it
	retired bool // the worker is to retire as soon as it is there
}

// orderWorker books a worker whose order is sent at the end of the turn.
func (s *templates) orderWorker(a policy.Action, slot int) []policy.Action {
	p := &proc{
		Process: spawn.Process{PID: -int(a.Generation), FD: -1}, generation: a.Generation, slot: slot,
		timing: timing{started: s.now}, starting: true, order: &order{stress: a.Stress},
	}
	s.procs[p.PID] = p
	s.starts.underWay = append(s.starts.underWay, p)
	s.starts.due = s.now + firstLookAtStart
	s.ordered = true
	s.board.offer(p)
	return s.policy.Started(s.now, a.Generation, p.PID)
}

// forkOrdered sends what is ordered, and starts a template if there is none. The turn calls
// it at its end, when nothing is in the middle of the policy's actions.
func (s *templates) forkOrdered() {
	if !s.cfg.Template {
		return
	}
	s.ordered = false
	s.tendTemplates()
	s.separate()
	s.settleLosses()
	s.unsent = s.unsent[:0]
	for _, p := range s.starts.underWay {
		if p.order != nil && p.order.to == nil {
			s.unsent = append(s.unsent, p)
		}
	}
	defer clear(s.unsent)
	switch {
	case s.off:
		for _, p := range s.unsent {
			s.executeInstead(p)
		}
	case len(s.unsent) > 0 || s.eager:
		s.eager = false
		s.sendOrders()
	}
}

func (s *templates) sendOrders() {
	if s.current == nil {
		t, err := s.startTemplate(false)
		if err != nil {
			s.failUnsent(err, isFault(err))
			return
		}
		s.current = t
	}
	t := s.current
	if t.state != templateReady {
		return
	}
	if err := s.seams.Templates.Room(); err != nil {
		s.failUnsent(err, false)
		return
	}
	for _, p := range s.unsent {
		switch err := t.channel.Send(s.seams.Templates.Order(p.generation, p.order.stress, s.board.given(p.slot))); {
		case errors.Is(err, template.ErrFull):
			return // by the next look at starts there may be room, or it is too late
		case err != nil:
			s.templateSilent(t)
			return
		}
		p.order.to, p.order.sent = t, s.now
		t.orders++
	}
}

// executeInstead starts an ordered worker by executing the command.
func (s *templates) executeInstead(p *proc) {
	id := p.PID
	process, err := s.seams.Start(p.generation, p.order.stress, s.board.given(p.slot), nil)
	if err != nil {
		s.failOrder(p, err, isFault(err))
		return
	}
	if s.enterOrdered(p, process) {
		s.apply(s.policy.Identified(s.now, id, p.PID))
	}
}

// failUnsent ends all orders that wait for a template.
func (s *templates) failUnsent(why error, fault bool) {
	for _, p := range s.unsent {
		if s.procs[p.PID] == p && p.order != nil && p.order.to == nil {
			s.failOrder(p, why, fault)
		}
	}
}

// failOrder books a start that has failed: by the command's fault, or by a shortage.
func (s *templates) failOrder(p *proc, why error, fault bool) {
	s.dropOrder(p)
	s.facts.refusal = why
	s.apply(s.policy.NotExecuted(s.now, p.PID, !fault, false))
}

// dropOrder takes an order out of all tables: there is no such worker, and will be none.
func (s *templates) dropOrder(p *proc) {
	delete(s.procs, p.PID)
	for i, other := range s.starts.underWay {
		if other == p {
			s.starts.underWay = append(s.starts.underWay[:i:i], s.starts.underWay[i+1:]...)
		}
	}
	if t := p.order.to; t != nil {
		t.orders--
	}
	s.board.release(p)
	s.memory.release(p.slot)
}

// retireOrder carries out the retirement of a worker that is not there yet.
func (s *templates) retireOrder(p *proc) []policy.Action {
	p.order.retired = true
	if p.order.to != nil {
		return nil
	}
	s.dropOrder(p)
	return s.policy.NeverStarted(s.now, p.PID)
}

// abortOrder carries out a signal for a worker that is not there: it took too long, or the
// service ends at once. Its template does not answer, or has forked a process that does not:
// the latter is in its group, which is ended with it.
func (s *templates) abortOrder(p *proc) []policy.Action {
	p.forced = true
	t := p.order.to
	if t == nil {
		t = s.current
	}
	if t != nil {
		t.overdue = true
	}
	if p.order.to != nil {
		return nil
	}
	s.dropOrder(p)
	return s.policy.NeverStarted(s.now, p.PID)
}

// isOurs reports whether a dead child is for others to collect. One of a template's
// group that has not said that it is a worker never will: its last word was read.
func (s *templates) isOurs(pid int, end policy.End) bool {
	if s.procs[pid] != nil {
		return true
	}
	for _, t := range s.all {
		if t.PID == pid && t.state != templateEnded {
			return true
		}
	}
	t := s.familyOf(pid)
	if t == nil {
		return false
	}
	s.readTemplate(t)
	if s.procs[pid] != nil {
		return true
	}
	t.losses++
	t.lastEnd = end
	return false
}

// awaitForks reports whether a template may have forked somebody who is not known yet.
func (s *templates) awaitForks() bool {
	return slices.ContainsFunc(s.all, func(t *templateProc) bool { return t.orders > 0 })
}

// settleLosses fails orders whose process has ended without a word. Which process was that
// of which order nobody can tell, so it waits until all others are answered: each order is
// answered, or lost.
func (s *templates) settleLosses() {
	for _, t := range s.all {
		switch {
		case t.losses == 0 || t.losses < t.orders || t.state == templateEnded: // settleOrders has those
		default:
			t.losses = 0
			for _, p := range s.ordersOf(t) {
				s.failOrder(p, event.ForkDied.With(event.Template(t.PID), event.End(ending(t.lastEnd)), event.Generation(p.generation)), true)
			}
		}
	}
}

// settleOrders ends the orders of a template that is gone. Those of one that has forked
// well are given to the next template, once.
func (s *templates) settleOrders(t *templateProc) {
	for _, p := range s.ordersOf(t) {
		p.order.tries++
		other := s.otherInherited(t)
		switch {
		case t.inherits && other != nil:
			p.order.to = other
			t.orders--
			other.orders++
		case p.forced || p.order.retired || t.inherits || s.draining():
			s.dropOrder(p)
			s.apply(s.policy.NeverStarted(s.now, p.PID))
		case p.order.tries > 1:
			s.failOrder(p, event.ForkerDied.With(event.Template(t.PID), event.End(ending(t.end))), true)
		default:
			p.order.to = nil
			t.orders--
		}
	}
}

// otherInherited: which of several templates of an earlier availd has an order is not known.
func (s *templates) otherInherited(t *templateProc) *templateProc {
	for _, other := range s.all {
		if other != t && other.inherits {
			return other
		}
	}
	return nil
}

func (s *templates) ordersOf(t *templateProc) (list []*proc) {
	for _, p := range s.starts.underWay {
		if p.order != nil && p.order.to == t {
			list = append(list, p)
		}
	}
	return list
}
