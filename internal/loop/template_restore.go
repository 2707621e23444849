package loop

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// This file takes templates over from an earlier image of this process, or from an availd
// that has died, and hands them on. What a template of a dead availd forks has another
// parent than this process, so it answers the orders that it has, and exits.

// restoreTemplates enters templates and orders; entries are those of the orders for the
// policy.
func (s *templates) restoreTemplates(r *Restored) (entries []policy.Entry, err error) {
	var asked *templateProc // who may answer
	for _, rt := range r.Templates {
		t := &templateProc{Process: rt.Process, channel: rt.Channel, inherits: !rt.Ours, state: templateReady, started: s.now}
		if err := s.watchTemplate(t); err != nil {
			return nil, err
		}
		if rt.MayBeStopped { // a program that did not become a template is looked at like a worker
			s.send(t.asProc(), unix.SIGCONT, false)
		}
		if rt.Current {
			s.current = t
		}
		if asked == nil || rt.Current {
			asked = t
		}
	}
	for _, o := range r.Orders {
		if asked == nil {
			s.memory.release(o.Slot)
			continue
		}
		entries = append(entries, s.restoreOrder(o, asked))
	}
	for _, t := range slices.Clone(s.all) {
		if t != s.current {
			s.retireInherited(t)
		}
	}
	s.eager = s.cfg.Template && s.current == nil && len(s.procs) > 0
	return entries, nil
}

// retireInherited has a template of an earlier process exit, by the end of its orders. With
// --template=preload it may be a program that did not become one, and hold a client: one that
// goes on is ended as soon as it holds none.
func (s *templates) retireInherited(t *templateProc) {
	if s.cfg.Template && !s.cfg.TemplatePreload {
		s.retireTemplate(t)
		return
	}
	t.channel.EndOrders()
	s.endServingFrom(t, s.now+answerPatience)
}

func (s *templates) restoreOrder(o RestoredOrder, t *templateProc) policy.Entry {
	p := &proc{
		Process: spawn.Process{PID: -int(o.Entry.Generation), FD: -1}, generation: o.Entry.Generation, slot: o.Slot,
		timing: timing{started: o.Entry.Started}, starting: true, order: &order{to: t, stress: o.Entry.Stress, sent: s.now},
	}
	t.orders++
	s.procs[p.PID] = p
	s.starts.underWay = append(s.starts.underWay, p)
	s.board.offer(p)
	o.Entry.ID = p.PID
	return o.Entry
}

// HandedTemplate is what the next image of this process gets of a template. Both
// descriptors stay the loop's. Current: it takes orders.
type HandedTemplate struct {
	PID, FD, Channel int
	Current          bool
}

// handOnTemplates leaves the next image with the template that takes orders, with those that
// are to exit, as they may hold a client, and with no order that was not sent. undo is for a
// next image that cannot be executed.
func (s *templates) handOnTemplates() (handed []HandedTemplate, undo func()) {
	var dropped []int
	for _, p := range slices.Clone(s.starts.underWay) {
		if p.order != nil && (p.order.to == nil || p.order.to != s.current) {
			s.dropOrder(p)
			dropped = append(dropped, p.PID)
		}
	}
	for _, t := range s.all {
		if t.state != templateEnded {
			handed = append(handed, HandedTemplate{t.PID, t.FD, t.channel.FD(), t == s.current && t.state == templateReady})
		}
	}
	return handed, func() {
		for _, pid := range dropped {
			s.apply(s.policy.NeverStarted(s.now, pid))
		}
	}
}
