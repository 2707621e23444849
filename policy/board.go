package policy

// This file has the events of the availability board: Dip and what goes with it. The caller
// delivers them when it reads the board, before the reports of a turn.
//
// The availability board tells what is, not what was: between two looks a worker
// may have been busy and idle again. These are the events by which the table
// follows it; the rest are ordinary reports.

// Dip says that since the last event, for a moment, by fewer workers were idle
// than the table says. It matters to whoever asks how many were idle all the
// time; it does not re-evaluate, as nobody is known to be busy now.
func (s *Service) Dip(now Instant, by int) []Action {
	s.begin(now)
	s.shrink.follow(max(0, s.table.idle-by))
	s.shrink.note()
	return s.end()
}

// begun books that w took a job since it was last looked at. If it is busy, then
// with that job, and no longer than since the last look.
func (p *reports) begun(w *worker) {
	w.taken = true
	p.table.touch(w)
	if w.state == busy {
		w.since = p.now
		w.beginRequest(p.now)
		p.deadlines.plan(w)
	}
}
