package loop

import (
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file does what is due about templates: one that is too slow is ended, one that is to
// exit is asked, one that has ended is forgotten. forkOrdered (orders.go) calls tendTemplates
// at the end of a turn; the deadlines of a turn include nextTemplate.

// tendTemplates does what is due about templates, and forgets those of which nothing can
// come.
func (s *templates) tendTemplates() {
	for i := 0; i < len(s.all); i++ { // what is done may append
		t := s.all[i]
		s.followTemplate(t)
		t.overdue = t.overdue || t.silent > 0 && s.now >= t.silent
		switch {
		case t.overdue && t.state == templateLoading && s.cfg.TemplatePreload:
			t.overdue = false
			s.doWithout(t, s.endServing, event.TemplateNeverAccepts.With(event.Template(t.PID)))
		case t.overdue && t == s.coming: // the reload is told: killed, it would be one that was asked to exit
			t.overdue, t.silent = false, 0
			s.templateFailed(t, event.TemplateHungUp.With(event.Template(t.PID)), true)
			s.killTemplate(t)
		case t.overdue && t.serves: // what it has not answered it never will
			t.overdue, t.silent = false, 0
			s.settleOrders(t)
		case t.overdue && t.state != templateEnded:
			t.overdue, t.silent = false, 0
			s.killTemplate(t)
		case t.state == templateLeaving && !t.asked && !t.killed && t.orders == 0:
			s.askTemplate(t)
		case t.due == 0 || s.now < t.due:
		case t == s.coming && s.cfg.TemplatePreload:
			t.overdue = true
			i--
		case t == s.coming:
			s.templateFailed(t, event.TemplateTimedOut.With(event.Template(t.PID)), true)
			s.killTemplate(t)
		case t.state == templateLeaving && !t.asked:
			s.askTemplate(t)
		case t.state == templateLeaving:
			s.killTemplate(t)
		case t.state == templateEnded:
			s.forgetTemplate(t)
			i--
		}
	}
	s.tendIdle()
}

// tendIdle ends a template for which there has been nothing to do.
func (s *templates) tendIdle() {
	t := s.current
	switch {
	case t == nil || t.state != templateReady || len(s.procs) > 0 || s.cfg.TemplateIdle == 0:
		s.idle = 0
	case s.idle == 0:
		s.idle = s.now
	case s.now >= s.idle+s.cfg.TemplateIdle:
		s.idle = 0
		s.say(event.TemplateIdle, event.Template(t.PID))
		s.retireTemplate(t)
	}
}

// nextTemplate is when something is to be done about templates; 0 = nothing.
func (s *templates) nextTemplate() (next policy.Instant) {
	sooner := func(at policy.Instant) {
		if at > 0 && (next == 0 || at < next) {
			next = at
		}
	}
	for _, t := range s.all {
		sooner(t.due)
		if t.state < templateLeaving {
			sooner(t.silent)
		}
		if t.starting {
			sooner(s.now + min(max(s.now-t.started, firstLookAtStart), lastLookAtStart))
		}
	}
	if j := s.joint; len(j) > 0 {
		sooner(j[0].due)
	}
	if s.idle > 0 {
		sooner(s.idle + s.cfg.TemplateIdle)
	}
	return next
}
