package loop

import (
	"github.com/availd/availd/policy"
)

// This file has the templates of a reload. The configuration is read, and before it is
// taken over a template of it is executed and has to get ready: a new release that does
// not load leaves everything as it was. Then orders go to the new template, and the older
// one stays for as long as the rolling restart tests whether workers of the new one serve:
// if they do not, orders go to the older one again.

// startForReload has a reload wait for a template of the new revision; false: it need not.
func (s *templates) startForReload() bool {
	if !s.cfg.Template {
		return false
	}
	if s.coming != nil { // of an even older one
		s.retireTemplate(s.coming)
	}
	t, err := s.startTemplate(true)
	if err != nil {
		s.reloads.takeOver(err)
		return true
	}
	s.coming = t
	if s.cfg.StartTimeout > 0 {
		t.due = s.now + s.cfg.StartTimeout
	}
	return true
}

// resumeReload goes on with the reload: its template is ready.
func (s *templates) resumeReload() {
	if s.reloads.running { // for another one, which has its own
		s.retireTemplate(s.coming)
		return
	}
	s.reloads.takeOver(nil)
}

// failReload ends a reload whose template has come to nothing.
func (s *templates) failReload(why error) {
	s.coming = nil
	if !s.reloads.running {
		s.reloads.takeOver(why)
	}
}

// refuseTemplate: the configuration for which a template was started is not taken over.
func (s *templates) refuseTemplate() {
	if t := s.coming; t != nil {
		s.retireTemplate(t)
	}
}

// switchTemplates has orders go to the new template, or, where there is none, gives up
// what was known of the old one.
func (s *templates) switchTemplates() {
	s.off = false
	if s.coming == nil {
		return
	}
	if s.earlier != nil {
		s.retireTemplate(s.earlier)
	}
	if s.current != nil && s.current.state == templateReady {
		s.earlier = s.current
	} else if s.current != nil {
		s.retireTemplate(s.current)
	}
	s.current, s.coming = s.coming, nil
}

// endEarlier ends a rolling restart: with the new template, or back with the older one.
func (s *templates) endEarlier(a policy.Action) {
	switch {
	case s.earlier == nil || a.Kind == policy.RollingWaits:
	case a.Kind == policy.RollingDone:
		s.retireTemplate(s.earlier)
	default:
		current := s.current
		s.current, s.earlier = s.earlier, nil
		if current != nil {
			s.retireTemplate(current)
		}
	}
}
