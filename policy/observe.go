package policy

// This file asks the caller to look at workers of a new revision, and books what was
// seen; proof.go draws the conclusions. Looks are asked for while somebody is in
// question, at growing intervals, and at so many workers at once.

// Waits is what a worker was seen to wait for.
type Waits uint8

// What a look can tell.
const (
	WaitsUnknown Waits = iota // it may not be looked at, or waits in a way that tells nothing
	WaitsAtSocket
	WaitsElsewhere // each of its threads is in a call that takes no connection, or it has no socket
	WaitsNowhere   // some thread computes, or is stopped, and no other one waits at a socket
)

// Observation answers one [Observe].
type Observation struct {
	Worker     int
	Generation uint64
	Waits      Waits
	// Holds: it has an accepted connection among its descriptors. Finished: one
	// that it had is not there any more.
	Holds, Finished bool
}

func (r *rolling) tickProof() {
	p := &r.proof
	if r.now >= p.resumes {
		p.resumes = far
		r.listening.settle()
	}
	if r.now < p.observeAt {
		return
	}
	p.observeAt, p.judge = far, true
	n := 0
	for w := r.table.youngest; w != nil && r.isNew(w); w = w.older {
		if w.retiring || !r.inQuestion(w) || p.below != 0 && w.generation >= p.below {
			continue
		}
		if n++; n > maxObserved { // the rest comes next time
			return
		}
		p.below = w.generation
		r.emit(Action{Kind: Observe, Worker: w.id, Generation: w.generation})
	}
	p.below = 0
}

// inQuestion: something about w can be seen that matters.
func (r *rolling) inQuestion(w *worker) bool {
	if !r.proof.served && !w.served && w.finished == 0 {
		return r.infer.on || w.state != starting
	}
	return r.infer.on && w.state == starting
}

// planObservation sees to it that there is a next look while somebody is in question.
func (r *rolling) planObservation() {
	p := &r.proof
	if p.observeAt != far || !r.on && !p.distrusted || p.served && (!r.infer.on || r.table.fresh == 0) {
		return
	}
	for w := r.table.youngest; w != nil && r.isNew(w); w = w.older {
		if !w.retiring && r.inQuestion(w) {
			p.observeAt = r.now + min(max(observeSoon, (r.now-w.started)/10), observeLate)
			return
		}
	}
	if r.on && r.now < p.grace { // the last older worker waits for its end
		p.observeAt = p.grace
	}
}

// sawWait books what w was seen to wait for. Who has waited once, and is about to exit,
// runs for a moment.
func (w *worker) sawWait(seen Waits) {
	waits := seen == WaitsAtSocket || seen == WaitsElsewhere
	if waits || w.waits == WaitsUnknown || w.waits == WaitsNowhere {
		w.waits = seen
	}
}

// takesNothing: as far as it was looked at, w has not come to where it accepts.
func (w *worker) takesNothing() bool { return w.waits == WaitsElsewhere || w.waits == WaitsNowhere }

// Observed answers the Observe actions of one turn. waiting is how many connections
// wait at all sockets, Unsure where that is not known.
func (s *Service) Observed(now Instant, waiting int, seen []Observation) []Action {
	s.begin(now)
	p := &s.rolling.proof
	p.seen, p.judge = true, true
	if waiting <= 0 {
		p.empty = now
	}
	for _, o := range seen {
		w := s.table.byID[o.Worker]
		if w == nil || w.generation != o.Generation || w.retiring {
			continue
		}
		w.served = w.served || o.Finished
		w.sawWait(o.Waits)
		w.accepted = w.accepted || o.Holds || o.Finished
		if w.accepted || o.Waits == WaitsAtSocket {
			s.infer.sawStart(w)
		}
		if s.infer.on && w.state == starting && (w.accepted || o.Waits == WaitsAtSocket) {
			s.reports.prove(w) // it has come as far as accepting
		} else {
			s.deadlines.plan(w)
		}
	}
	return s.end()
}
