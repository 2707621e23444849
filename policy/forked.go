package policy

// This file is for workers that another process forks at the caller's request. Which
// process such a worker is shows a moment after its start was asked for, and a start is
// to be answered at once. So the caller answers with Started and a name that is no
// process id, and tells the real one later: by Identified, or by NotExecuted when the
// start has failed, or by NeverStarted when nothing has come of it and nobody is to blame.

// Identified books that the worker that was started under the name id is the process pid.
// Everything that is known of it, and every limit of time, goes on as it was.
func (s *Service) Identified(now Instant, id, pid int) []Action {
	s.begin(now)
	w := s.table.byID[id]
	if w == nil || s.table.byID[pid] != nil {
		panic("policy: a worker is identified that is unknown, or by the name of another")
	}
	s.table.rename(w, pid)
	return s.end()
}

// NeverStarted takes a worker out of the table that never came to be.
func (s *Service) NeverStarted(now Instant, id int) []Action {
	s.begin(now)
	w := s.table.byID[id]
	if w == nil {
		return s.actions
	}
	s.table.remove(w)
	s.infer.blame(-1)
	s.counters.Exited++
	s.reports.heard()
	s.listening.reevaluate()
	s.drain.finish()
	return s.end()
}
