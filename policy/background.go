package policy

// This file is for commands that put themselves into the background. The caller tells
// Background instead of Exit when a worker has exited and another process goes on in its
// place.

// Background books that a worker has exited with status 0 and has left another process
// to accept in its place, by the name of heir: the command puts itself into the
// background. It is told instead of [Service.Exit], and the end of heir is told by that.
// The heir keeps the slot, so that there are never more processes than the limit, and is
// never available, as nothing is known of it. A command that does so at its start has
// failed to start.
func (s *Service) Background(now Instant, id, heir int) []Action {
	s.begin(now)
	w := s.table.byID[id]
	if w == nil || s.table.byID[heir] != nil {
		return s.actions
	}
	atStart := !w.taken && now-w.started <= badWindow
	s.table.rename(w, heir)
	if !w.retiring {
		s.retirement.setRetiring(w, Stop)
	}
	s.reports.hold(w, 1) // it may hold a client: it is not ended for being idle
	cause := Action{Kind: WarnBackground, Why: Background, Worker: heir, Generation: w.generation}
	switch {
	case w.blamed:
	case atStart:
		s.exits.badStart(w, cause)
	default:
		s.table.blame(w)
		s.emit(cause)
	}
	s.listening.reevaluate()
	return s.end()
}

// Retiring reports whether a worker is not available any more: it was asked to retire, or
// has said that it does.
func (s *Service) Retiring(id int) bool {
	w := s.table.byID[id]
	return w != nil && w.retiring
}
