package policy

// This file has the stall guard. The wish of listen.go turns it on by watching for one
// wake-up; Connection begins the timer, Tick asks for a Probe at its end, and Probed
// starts a worker if nobody has moved.

// guard is the stall guard. The table may be wrong: a worker is wedged, a
// report got lost. So while somebody is believed available the sockets are
// watched for one wake-up, which starts a timer; if connections wait at its end
// as they did at its beginning, and nobody gave a sign of life in between, one
// worker is started despite the count. There is at most one such wake-up a
// second under load, and none when idle.
type guard struct {
	*core
	listening *listening
	starts    *starts
	stress    *stress
	rolling   *rolling

	timing  bool
	asked   bool // a Probe is on its way
	due     Instant
	waiting int  // connections at the beginning
	heard   bool // a sign of life since
}

// wish is the wish while a proven idle worker is believed to accept.
func (g *guard) wish() Watch {
	switch {
	case g.cfg.StallGuard == 0:
		return g.off()
	case g.timing:
		return WatchOff
	default:
		return WatchOnce
	}
}

// off ends the stall guard. It returns WatchOff, the wish of a caller that has no
// other reason to watch the sockets.
func (g *guard) off() Watch {
	g.timing, g.asked, g.due = false, false, far
	return WatchOff
}

// woke starts the timer.
func (g *guard) woke(waiting int) {
	g.wait(waiting)
	g.listening.settle()
}

func (g *guard) wait(waiting int) {
	g.timing, g.asked, g.due, g.waiting, g.heard = true, false, g.now+g.cfg.StallGuard, waiting, false
}

func (g *guard) tick() {
	if g.timing && g.now >= g.due {
		g.due, g.asked = far, true
		g.emit(Action{Kind: Probe})
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
		s.guard.off()
		s.listening.settle()
	case g.heard || waiting < g.waiting:
		s.guard.wait(waiting)
	default:
		s.guard.stalled(waiting)
	}
	return s.end()
}

// stalled names the suspect, once, and starts one worker despite the count.
func (g *guard) stalled(waiting int) {
	for w := g.table.oldest; w != nil; w = w.younger {
		if w.state == idle && !w.retiring && !w.suspect {
			w.suspect = true
			g.emit(Action{Kind: WarnSuspect, Worker: w.id, Generation: w.generation, Number: waiting})
			break
		}
	}
	g.wait(waiting)
	if g.pending.n() == 0 && !g.rolling.holdsBack() {
		g.stress.test()
		g.starts.request(Stall)
	}
	g.listening.settle()
}
