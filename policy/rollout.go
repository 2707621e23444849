package policy

import "time"

// rollOut replaces the workers of older generations, in batches of a quarter of
// the limit, so that nobody is refused and nobody waits longer than a worker's
// start. Replacements are not demand: they open no stress window.
type rollOut struct {
	on     bool
	last   uint64 // the youngest generation to be replaced
	whole  int    // workers to replace at the beginning
	batch  int
	owed   int // retired before their replacement was there
	due    Instant
	failed bool // a bad start stopped the latest one
}

// Times of the roll-out.
const (
	// quiet is how long nothing may have happened for a pool without busy
	// workers to count as idle; between two requests of a busy one everybody
	// is idle for an instant too.
	quiet = time.Second
	// patience is how long a batch at the limit may take to leave before the
	// next one is asked: sessions that last must not hold everybody up.
	patience = 5 * time.Second
)

func (s *Service) beginRollOut() {
	s.table.divide(s.generation)
	s.rollOut = rollOut{on: true, last: s.generation, whole: s.table.old, batch: s.batch(), due: far}
	if s.cfg.NoRetireSignal { // they cannot be asked, so they are replaced as they end
		if s.cfg.PerConnection { // … and do not serve the next connection anyway
			s.rollOut.whole = 0
		}
		s.finishRollOut()
		return
	}
	if s.table.busy == 0 && s.heardAt < s.now-quiet {
		s.retireIdle()
	}
}

// batch is a quarter of the limit; of the workers there are, where there is
// none.
func (s *Service) batch() int {
	size := s.cfg.Limit
	if size == 0 {
		size = s.table.total()
	}
	return max(1, size/4)
}

// retireIdle retires an idle pool beyond the spares: it needs no replacement.
func (s *Service) retireIdle() {
	n := s.table.idle - s.cfg.MinSpare
	for w := s.table.oldest; w != nil && n > 0; w = w.younger {
		if w.state == idle && s.replaceable(w) && !w.holds() {
			s.retire(w, Reload)
			n--
		}
	}
}

func (s *Service) replaceable(w *worker) bool { return !w.leaving && w.generation <= s.rollOut.last }

// roll takes the roll-out one step further. It runs at the end of every event
// while there is one.
func (s *Service) roll() {
	r := &s.rollOut
	if !r.on || s.throttle.on || s.draining {
		return
	}
	old := s.table.old
	if old == 0 && r.owed == 0 {
		s.finishRollOut()
		return
	}
	coming := s.pending.n() + s.table.fresh // replacements on their way
	switch {
	case s.pending.n() > 0:
	case s.belowLimit() && coming < min(r.batch, old+r.owed):
		s.bear(Replacement)
		s.settle()
	case s.belowLimit() || coming > 0 || r.owed > 0 && r.due != far:
	case old == 0: // all are asked; the slots of long sessions come free in time
		s.finishRollOut()
	default:
		s.retireBatch(min(r.batch, old))
	}
}

// retireBatch makes room at the limit. Those above a limit that was lowered go
// along: nobody takes their place.
func (s *Service) retireBatch(n int) {
	for above := s.total() - s.table.retiring - s.cfg.Limit; above > 0 && s.retireOld(); above-- {
	}
	for ; n > 0 && s.retireOld(); n-- {
		s.rollOut.owed++
	}
	s.rollOut.due = s.now + patience
	s.settle()
}

// retireOld asks one old worker to leave: an idle one if there is one, else the
// one that got busy last. One that holds a long session is asked at the end, as
// its slot would keep the next batch waiting.
func (s *Service) retireOld() bool {
	var chosen *worker
	for w := s.table.oldest; w != nil && w.generation <= s.rollOut.last; w = w.younger {
		if !s.replaceable(w) {
			continue
		}
		if chosen == nil || !w.holds() || w.since > chosen.since {
			chosen = w
		}
		if !w.holds() {
			break
		}
	}
	if chosen == nil {
		return false
	}
	s.retire(chosen, Reload)
	return true
}

// proven books that a worker of the new generation is good: an old one may go,
// if none went already for it.
func (s *Service) proven(w *worker) {
	r := &s.rollOut
	if !r.on || w.leaving || w.generation <= r.last {
		return
	}
	if r.owed > 0 {
		r.owed--
		return
	}
	s.retireOld()
}

func (s *Service) tickRollOut() {
	if s.now >= s.rollOut.due {
		s.rollOut.due = far // roll, at the end of the event, asks the next batch
	}
}

func (s *Service) finishRollOut() {
	s.rollOut.on, s.rollOut.due = false, far
	s.emit(Action{Kind: RollOutDone, Number: s.rollOut.whole})
}

// stopRollOut stops it because of a bad start of the new generation: the old
// ones stay, and creation does not pause for all. It reports whether it did;
// without old workers to fall back on, a bad start is an ordinary one.
func (s *Service) stopRollOut(generation uint64, cause Action) bool {
	r := &s.rollOut
	if !r.on || generation <= r.last || s.table.old == 0 {
		return false
	}
	r.on, r.failed, r.due = false, true, far
	cause.Kind = RollOutStopped
	s.emit(cause)
	return true
}
