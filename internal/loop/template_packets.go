package loop

import (
	"errors"
	"fmt"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/template"
)

// This file reads what templates and their forks say, and judges who may say it. A turn calls
// readTemplates first of all; hearForks is for reports of processes that nobody knows yet.

// readTemplates reads what templates and their forks say, and finds those that have ended.
func (s *templates) readTemplates(ready []int) {
	for _, fd := range ready {
		for _, t := range s.all {
			switch {
			case t.FD == fd && t.state != templateEnded:
				s.collectTemplate(t)
			case t.channel.FD() == fd:
				s.readTemplate(t)
			}
		}
	}
}

// hearForks reads all that is there now: somebody speaks whom nobody knows yet.
func (s *templates) hearForks() {
	for _, t := range s.all {
		s.readTemplate(t)
	}
}

// readTemplate reads a share of what there is.
func (s *templates) readTemplate(t *templateProc) {
	m := &s.scratch
	for range maxPackets {
		switch err := t.channel.Receive(m); {
		case errors.Is(err, template.ErrEmpty):
			return
		case errors.Is(err, template.ErrClosed):
			s.templateHungUp(t)
			return
		case err != nil:
			s.say(event.TemplateUnheard, event.Template(t.PID), event.Cause(err))
			t.overdue = true
			return
		}
		s.hearTemplate(t, m)
		if m.PIDFD >= 0 { // nobody has taken it
			_ = nowait.Close(m.PIDFD)
		}
	}
}

// templateHungUp: nobody has the other end any more. A template without it is none.
func (s *templates) templateHungUp(t *templateProc) {
	if t.state == templateEnded {
		t.due = s.now
		return
	}
	_ = s.epoll.remove(t.channel.FD()) // it would wake us for ever
	s.templateSilent(t)
}

// templateSilent: t has closed its end. Most likely it has ended, which is seen next.
func (s *templates) templateSilent(t *templateProc) {
	if t.state < templateLeaving && t.silent == 0 {
		t.silent = s.now + lastWords
	}
}

func (s *templates) hearTemplate(t *templateProc, m *template.Message) {
	switch m.Kind {
	case template.Ready:
		if m.PID != t.PID {
			s.rejectPacket(t, m, event.ReadyByOther.With())
		} else if t.state == templateLoading {
			s.templateReady(t, max(1, m.Threads))
		}
	case template.Refused:
		if m.PID == t.PID && t.state == templateLoading && s.cfg.TemplatePreload {
			s.doWithout(t, s.killTemplate, event.TemplateInterpreter.With(event.Language(m.Reason)))
		}
	case template.Forked:
		s.hearForked(t, m)
	case template.Failed:
		s.hearFailed(t, m)
	default:
		s.rejectPacket(t, m, event.NoSense.With())
	}
}

// rejectPacket counts a packet that is not believed.
func (s *templates) rejectPacket(t *templateProc, m *template.Message, why error) {
	s.tally.Rejected.Reports++
	s.say(event.PacketRejected, event.PID(m.PID), event.Template(t.PID), event.Cause(why))
}

// templateReady: everything is loaded. Forks of a process with several threads have the
// one that has forked, and every lock that another thread holds for ever. known is how
// many there may be, as those are made anew in a fork (Ruby from 3.3 on has two).
func (s *templates) templateReady(t *templateProc, known int) {
	if n := s.seams.Templates.Threads(t.PID); n > known {
		s.doWithout(t, s.killTemplate, event.TemplateThreads.With(event.Template(t.PID), event.Threads(n)))
		return
	}
	t.state, t.due = templateReady, 0
	s.say(event.TemplateReady, event.Template(t.PID), event.Took(s.now-t.started))
	s.seams.Templates.Foreign(t.Process, func(peers []string) {
		if len(peers) > 0 {
			s.post(request{foreign: &foreign{t.PID, peers}})
		}
	})
	if t == s.coming {
		s.resumeReload()
	}
}

// foreign are the connections that a template has open.
type foreign struct {
	pid   int
	peers []string
}

func (s *templates) foundForeign(f foreign) {
	s.say(event.TemplateConnections, event.Template(f.pid), event.Peers(listed(f.peers)))
}

func listed(words []string) string {
	const most = 5
	text := ""
	for i, w := range words {
		switch {
		case i == most:
			return text + fmt.Sprintf(" and %d others", len(words)-most)
		case i > 0:
			text += ", "
		}
		text += w
	}
	return text
}
