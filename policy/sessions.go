package policy

import "time"

// Sessions are the services whose workers each serve the one connection that
// they are born with (inetd). Such a worker is busy from birth, and how it ends
// is as much its client's doing as its own. So a bad end alone proves nothing:
// a bad start is a command that could not be executed, or more than sessionBurst
// bad ends within sessionPeriod while no worker has ever done well. Else a client
// could stop the service for everybody by crashing its own session.
const (
	sessionBurst  = 10
	sessionPeriod = time.Second
	// sessionHealthy is the age at which a worker has done well.
	sessionHealthy = 10 * time.Second
)

// sessions is what is known of the ends so far.
type sessions struct {
	healthy bool
	ends    [sessionBurst]Instant // the latest bad ends
	next    int                   // place of the oldest of them
	full    bool
}

// bad books a bad end, and reports whether there were too many.
func (s *sessions) bad(now Instant) bool {
	tooMany := s.full && now-s.ends[s.next] <= sessionPeriod
	s.ends[s.next] = now
	s.next = (s.next + 1) % sessionBurst
	s.full = s.full || s.next == 0
	return tooMany
}

// begin makes a newborn busy: its connection is its job.
func (s *Service) beginSession(w *worker) {
	w.taken = true
	s.become(w, busy)
}

// judgeSession books the end of a worker that was born with its connection.
func (s *Service) judgeSession(w *worker, e End) {
	if e.Unknown {
		s.counters.UnknownExits++
	}
	if e.Good() || s.hasOldSession() {
		s.sessions.healthy = true
	}
	if s.cfg.ExecFailed != 0 && e.Signal == 0 && e.Code == s.cfg.ExecFailed {
		s.emit(Action{Kind: WarnExitStatus, Worker: w.id, Generation: w.generation, End: e})
		s.badStart(w, Action{Why: ExecFailed, Worker: w.id, End: e, Generation: w.generation})
		return
	}
	s.finishSession(w)
	if e.Good() || w.told || w.aborted || w.killed {
		return
	}
	if e.Signal != 0 {
		s.emit(Action{Kind: WarnKilled, Worker: w.id, Generation: w.generation, End: e})
	}
	if s.sessions.bad(s.now) && !s.sessions.healthy {
		s.badStart(w, Action{Why: BadEnds, Worker: w.id, End: e, Generation: w.generation})
	}
}

// finishSession counts a session that is over, however it ended. Births are good
// again only if that is known of the service: bad ends, which come with every
// birth while it is broken, must not make the pauses short.
func (s *Service) finishSession(w *worker) {
	w.finished++
	s.counters.Requests++
	if s.sessions.healthy {
		s.recover(w)
	}
}

// hasOldSession reports whether the oldest worker has lived long enough.
func (s *Service) hasOldSession() bool {
	return s.table.oldest != nil && s.now-s.table.oldest.born >= sessionHealthy
}

// AcceptFailed books that a waiting connection could not be accepted for want of
// something in the system, descriptors most likely. Creation pauses; the
// connection waits on. What is wanting comes back with the next worker that
// ends, and that ends the pause. Nothing is wrong with births, so the pause does
// not grow either: what was wanting may have been others' and be back by now, and
// when no worker is left there is none whose end could tell.
func (s *Service) AcceptFailed(now Instant) []Action {
	s.begin(now)
	s.counters.SpawnFailures++
	s.throttle.shortage = s.throttle.shortage || !s.throttle.on
	s.beginThrottle(Action{Why: BirthRefused})
	return s.end()
}

// relieve ends the pause that a shortage has begun.
func (s *Service) relieve() {
	if s.throttle.shortage {
		s.unthrottle(Room)
	}
}
