package loop

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// This file has the ends of templates: asked to exit, killed, failed before they were ready,
// found dead, or given up in favour of executed workers. What a dead one has forked may still
// be heard for a moment; forgetTemplate comes last.

// doWithout has workers started by executing the command, and says why once. end is how t
// itself is ended.
func (s *templates) doWithout(t *templateProc, end func(*templateProc), why event.Line) {
	s.off = true
	s.tally.TemplateFailures++
	s.say(why.Message, why.Fields...)
	ofReload := t == s.coming
	end(t)
	for _, other := range []*templateProc{s.current, s.earlier} {
		if other != nil {
			s.retireTemplate(other)
		}
	}
	s.current, s.earlier = nil, nil
	if ofReload {
		s.coming = nil
		s.reloads.takeOver(nil)
		s.off = true // which the new configuration has taken back
	}
}

// templateFailed: t has come to nothing before it was ready.
func (s *templates) templateFailed(t *templateProc, why error, fault bool) {
	s.tally.TemplateFailures++
	switch t {
	case s.coming:
		s.failReload(why)
	case s.current:
		s.current = nil
		s.unsent = s.unsent[:0]
		for _, p := range s.starts.underWay {
			if p.order != nil && p.order.to == nil {
				s.unsent = append(s.unsent, p)
			}
		}
		if len(s.unsent) == 0 {
			s.say(event.TemplateFailed, event.Template(t.PID), event.Cause(why))
		}
		s.failUnsent(why, fault)
	}
}

// retireTemplate has t exit: it answers the orders that it has, reads the end of them, and
// gets SIGTERM.
func (s *templates) retireTemplate(t *templateProc) {
	s.leavePlace(t)
	if t.state >= templateLeaving {
		return
	}
	t.state, t.due = templateLeaving, s.now+answerPatience
	t.channel.EndOrders()
	if t.orders == 0 {
		s.askTemplate(t)
	}
}

func (s *templates) askTemplate(t *templateProc) {
	if !t.asked {
		t.asked, t.due = true, s.now+leavePatience
		s.send(t.asProc(), unix.SIGTERM, false)
	}
}

// killTemplate ends t at once, and nothing that it has forked and that was heard of.
func (s *templates) killTemplate(t *templateProc) {
	s.leavePlace(t)
	if t.state == templateEnded || t.killed {
		return
	}
	t.killed, t.state, t.due = true, templateLeaving, 0
	s.send(t.asProc(), unix.SIGKILL, false)
}

// endServing ends a program that has never waited for an order. It may be one into which
// the shared object cannot be loaded, such as a static one, and then it accepts connections
// as any worker does.
func (s *templates) endServing(t *templateProc) { s.endServingFrom(t, s.now) }

// endServingFrom looks whether it holds a client from that moment on.
func (s *templates) endServingFrom(t *templateProc, first policy.Instant) {
	s.leavePlace(t)
	if t.state >= templateLeaving {
		return
	}
	t.state, t.asked, t.serves, t.due = templateLeaving, true, true, s.now+servePatience
	s.retirees.endTemplateBetween(t, first)
}

// collectTemplate acts on the end of a template's process.
func (s *templates) collectTemplate(t *templateProc) {
	s.followTemplate(t)
	end, known, err := s.seams.Wait(t.Process)
	if err != nil || !known {
		end = policy.End{Unknown: true}
	}
	_ = s.epoll.remove(t.FD)
	before := t.state
	t.state, t.end, t.due = templateEnded, end, s.now+lastWords
	s.readTemplate(t) // what it has forked
	switch {
	case before == templateLoading && t.unexecuted != nil:
		s.templateFailed(t, t.unexecuted, isFault(t.unexecuted))
	case before == templateLoading:
		s.templateFailed(t, event.TemplateDied.With(event.Template(t.PID), event.End(ending(end))), true)
	case before == templateReady && t != s.earlier:
		s.eager = len(s.procs) > 0 && s.now-t.started >= livedLong
		s.tally.TemplateFailures++
		s.say(event.TemplateEnded, event.Template(t.PID), event.End(ending(end)), event.Forks(t.forks))
	}
	s.leavePlace(t)
	if t.orders == 0 {
		t.due = s.now
	}
}

// forgetTemplate: the process has ended, and those of its forks that were there to be heard
// were heard. Whatever is left in its group has never become a worker.
func (s *templates) forgetTemplate(t *templateProc) {
	s.readTemplate(t)
	if !t.inherits && s.allSeparate() {
		_ = s.seams.Signal(t.Process, unix.SIGKILL, true)
	}
	for i, other := range s.all {
		if other == t {
			s.all = append(s.all[:i:i], s.all[i+1:]...)
		}
	}
	_ = s.epoll.remove(t.channel.FD()) // unless it was removed before
	s.seams.Templates.Forget(t.Process)
	if t.Given > 0 {
		_ = nowait.Close(t.Given)
	}
	s.seams.Discard(t.channel.Disown())
	_ = nowait.Close(t.FD)
	s.settleOrders(t)
}

// retireTemplates: the service is being stopped.
func (s *templates) retireTemplates() {
	for _, t := range []*templateProc{s.current, s.earlier, s.coming} {
		if t != nil {
			s.retireTemplate(t)
		}
	}
	s.eager = false
}

// endTemplates ends all at once: the service has ended.
func (s *templates) endTemplates() {
	for _, t := range s.all {
		_ = s.seams.Signal(t.Process, unix.SIGKILL, s.allSeparate())
		s.seams.Templates.Forget(t.Process)
	}
}
