package policy

import "time"

// This file is about the question whether anybody accepts the connections of a socket.
// Where workers do not report, a queue that does not get shorter is no answer: in an
// overload more clients come than are accepted, so that it only gets longer, and the
// same happens at a socket that the program does not know. So the caller is asked to
// look: at the descriptors of the newest workers, and at who has accepted connections of
// the socket ([Inspect], answered by [Service.Inspected]). The samples of infer.go ask
// while clients wait; queue.go draws the conclusions for one socket.

// Acceptance is what an inspection has found out about one socket.
type Acceptance uint8

// Acceptances.
const (
	NotKnown        Acceptance = iota // it was not looked at, or cannot be
	NobodySeen                        // nobody was seen to accept, which means little: who came and was served between two inspections is seen by neither
	NobodyAccepts                     // nor has anybody: who waited at the last inspection waits still
	SomebodyAccepts                   // a connection was accepted since the last inspection
)

// Holder is a worker that holds a connection.
type Holder struct {
	Worker int
	// Socket is the one whose connection it is; negative = which one, and whether it is
	// one of ours, cannot be told.
	Socket int
	// Connection tells it from the worker's next one.
	Connection uint32
}

// Evidence answers an Inspect action.
type Evidence struct {
	Sockets []Acceptance // by socket; what is missing is NotKnown
	// After: SomebodyAccepts says so of that moment and later; 0 = it may have been earlier, too.
	After   Instant
	Holders []Holder
	// Blind says that the descriptors of workers cannot be looked at.
	Blind bool
	// Held is how many connections of the sockets processes have accepted and not closed
	// yet; valid if Counted.
	Held    int
	Counted bool
	// Seen are the workers whose descriptors were read.
	Seen []int
}

// found reports whether that was found out about some socket.
func (e *Evidence) found(a Acceptance) bool {
	for _, is := range e.Sockets {
		if is == a {
			return true
		}
	}
	return false
}

// Times of the inspection.
const (
	// evidenceHolds is how long after a connection was accepted a socket that is in doubt
	// is looked at again with every sample, and more seldom from then on.
	evidenceHolds = 2 * time.Second
	// doubtAfter is how long clients wait without evidence until it is asked for,
	// whatever the number of workers, and until people are told that there is none: a
	// program that never accepts has to be named within 5 s.
	doubtAfter = 4 * time.Second
	// counts is how often in a window it is counted how many connections are held.
	counts = 64
	// mostNewcomers bounds how many workers are looked at in one inspection.
	mostNewcomers = 16
	// newestLooked is how many of them are workers that have come already.
	newestLooked = 4
)

// inspect asks for evidence where it matters: workers that may have accepted by now
// stand in the way of further ones, or a socket is in doubt. There is one inspection at
// a time.
func (f *infer) inspect() {
	if f.inspecting || f.table.starting == 0 && !f.anyDoubt() {
		return
	}
	f.look(0)
}

// look asks for an inspection; none is under way.
func (f *infer) look(why Why) {
	f.inspecting = true
	f.emit(Action{Kind: Inspect, Why: why})
}

// count has it counted how many connections are held, now and then while the service is
// used: how many workers the load needs shows in nothing else where nobody reports.
func (f *infer) count() {
	if f.inspecting || f.now < f.nextCount || f.shrink.ends == far {
		return
	}
	f.nextCount = f.now + f.cfg.IdleTimeout/counts
	f.look(Surplus)
}

// counted books what was counted.
func (f *infer) counted(e Evidence) {
	w := &f.window
	if e.Counted {
		w.counts++
		w.heldSum += max(0, e.Held-1) // one that has just come is why it was counted now
	}
}

// Newcomers appends the workers that an inspection has to look at: those whose first
// connection was not seen yet, oldest first, and the newest others, whose descriptors
// tell whether workers that were added accept.
func (s *Service) Newcomers(ids []int) []int {
	first := len(ids)
	for w := s.table.oldest; w != nil && len(ids)-first < mostNewcomers-newestLooked; w = w.younger {
		if w.state == starting && !w.retiring {
			ids = append(ids, w.id)
		}
	}
	n := 0
	for w := s.table.youngest; w != nil && n < newestLooked; w = w.older {
		if w.state != starting && !w.retiring {
			ids = append(ids, w.id)
			n++
		}
	}
	return ids
}

// InDoubt reports whether it has to be found out if anybody accepts on that socket.
func (s *Service) InDoubt(socket int) bool {
	return socket < len(s.infer.queues) && s.infer.doubted(&s.infer.queues[socket])
}

func (f *infer) anyDoubt() bool {
	for n := range f.queues {
		if f.doubted(&f.queues[n]) {
			return true
		}
	}
	return false
}

// Inspected answers an Inspect action.
func (s *Service) Inspected(now Instant, e Evidence) []Action {
	s.begin(now)
	i := &s.infer
	i.inspecting = false
	if !i.on || s.draining {
		return s.actions
	}
	s.infer.counted(e)
	if len(e.Sockets) > 0 {
		i.storm.looks++
	}
	if i.blind != e.Blind {
		i.blind = e.Blind
		s.deadlines.replan()
	}
	accepted := false
	for n, found := range e.Sockets {
		if n < len(i.queues) {
			accepted = s.infer.testify(n, found) || accepted
		}
	}
	for _, h := range e.Holders {
		if h.Socket >= 0 && h.Socket < len(i.queues) {
			accepted = s.infer.testify(h.Socket, SomebodyAccepts) || accepted
		}
		if w := s.table.byID[h.Worker]; w != nil && !w.retiring {
			s.infer.sawHolder(w)
			s.reports.prove(w)
		}
	}
	s.infer.sawWorkers(e)
	if accepted {
		s.infer.noteAccepted(0, 1, e.After)
	}
	s.infer.judgeDoubt(e)
	s.listening.settle()
	return s.end()
}

// Accepted says that a worker which does not report has accepted a connection of the
// service, for whoever finds that out in another way than by an inspection.
func (s *Service) Accepted(now Instant, worker int) []Action {
	s.begin(now)
	if w := s.table.byID[worker]; w != nil && s.infer.on {
		s.infer.noteAccepted(0, 1, w.started)
		s.reports.prove(w)
		s.listening.settle()
	}
	return s.end()
}
