package policy

// guard is the stall guard. The table may be wrong: a worker is wedged, a
// report got lost. So while somebody is believed available the sockets are
// watched for one wake-up, which starts a timer; if connections wait at its end
// as they did at its beginning, and nobody gave a sign of life in between, one
// worker is started despite the count. There is at most one such wake-up a
// second under load, and none when idle.
type guard struct {
	timing  bool
	asked   bool // a Probe is on its way
	due     Instant
	waiting int  // connections at the beginning
	heard   bool // a sign of life since
}

// guarded is the wish while a proven idle worker is believed to accept.
func (s *Service) guarded() Watch {
	switch {
	case s.cfg.StallGuard == 0:
		return s.unguard()
	case s.guard.timing:
		return WatchOff
	default:
		return WatchOnce
	}
}

// unguard ends the guard; the wish it returns is that of all its callers but
// those that watch for another reason.
func (s *Service) unguard() Watch {
	s.guard.timing, s.guard.asked, s.guard.due = false, false, far
	return WatchOff
}

// guardWoke starts the timer.
func (s *Service) guardWoke(waiting int) {
	s.guardTime(waiting)
	s.settle()
}

func (s *Service) guardTime(waiting int) {
	s.guard = guard{timing: true, due: s.now + s.cfg.StallGuard, waiting: waiting}
}

func (s *Service) tickGuard() {
	if s.guard.timing && s.now >= s.guard.due {
		s.guard.due, s.guard.asked = far, true
		s.emit(Action{Kind: Probe})
	}
}

// Probed answers a Probe action: so many connections wait now.
func (s *Service) Probed(now Instant, waiting int) []Action {
	s.begin(now)
	g := &s.guard
	if !g.asked {
		return s.actions
	}
	switch {
	case waiting == 0:
		s.unguard()
		s.settle()
	case g.heard || waiting < g.waiting:
		s.guardTime(waiting)
	default:
		s.stalled(waiting)
	}
	return s.end()
}

// stalled names the suspect, once, and starts one worker despite the count.
func (s *Service) stalled(waiting int) {
	for w := s.table.oldest; w != nil; w = w.younger {
		if w.state == idle && !w.leaving && !w.suspect {
			w.suspect = true
			s.emit(Action{Kind: WarnSuspect, Worker: w.id, Generation: w.generation, Number: waiting})
			break
		}
	}
	s.guardTime(waiting)
	if s.pending.n() == 0 {
		s.stressTest()
		s.bear(Stall)
	}
	s.settle()
}
