package policy

// This file follows the accept queue of each socket where workers do not report. Sampled
// calls measure, Inspected calls testify, and each start and exit calls blame; the
// result is whether a socket may start further workers.

// Unsure is the depth of a queue of which only poll(2) tells that it is not
// empty.
const Unsure = -1

// queue is one socket's accept queue. A socket that nobody accepts on must not
// start workers without end: after a number of starts without evidence that a
// connection of it is accepted it is in doubt, and once an inspection has found that
// nobody accepts, it asks for no more workers until somebody does.
type queue struct {
	depth   int
	added   int     // workers started since there was evidence
	since   Instant // it has not been empty since; never = it is
	shown   Instant // when a connection of it was last known to be accepted; never = not yet
	ignored bool    // an inspection has found that nobody accepts
	warned  bool
}

// MostInVain is how many workers one socket may ask for before there is evidence
// that its connections are accepted.
func (s *Service) MostInVain() int { return s.infer.mostInVain() }

func (f *infer) mostInVain() int { return max(4, 2*f.cfg.maxStarting()) }

// doubted reports whether evidence is wanted for a socket.
func (f *infer) doubted(q *queue) bool {
	if q.depth == 0 {
		return false
	}
	return q.added >= f.mostInVain() || q.shown == never && q.added > 0 || f.now-max(q.since, q.shown) >= doubtAfter
}

// freshly reports whether some socket became doubtful only now: workers that were just
// added may not have come so far, and an overload must not wait for long.
func (f *infer) freshly() bool {
	for i := range f.queues {
		if q := &f.queues[i]; q.ignored && f.now-max(q.since, q.shown) < evidenceHolds {
			return true
		}
	}
	return false
}

// measure takes the depths over. It returns how many connections wait, how many
// were accepted since the last sample at least, and whether some are ignored.
func (f *infer) measure(depths []int) (waiting, accepted int, ignored bool) {
	for len(f.queues) < len(depths) {
		f.queues = append(f.queues, queue{since: never, shown: never})
	}
	for n, depth := range depths {
		q := &f.queues[n]
		unsure := depth == Unsure
		if unsure {
			depth = 1
		}
		if depth < q.depth || depth == 0 {
			accepted += q.depth - depth
			f.testify(n, SomebodyAccepts)
		}
		if unsure { // whether it shrinks cannot be seen
			q.added = 0
		}
		q.depth = depth
		switch {
		case depth == 0:
			q.since = never
		case q.since == never:
			q.since = f.now
		}
		if depth > 0 && q.ignored {
			ignored = true
			continue
		}
		waiting += depth
	}
	return waiting, accepted, ignored
}

// testify books what is known of one socket, and reports whether connections of it
// are accepted.
func (f *infer) testify(n int, found Acceptance) bool {
	q := &f.queues[n]
	switch found {
	case SomebodyAccepts:
		q.added, q.ignored, q.warned, q.shown = 0, false, false, f.now
		return true
	case NobodyAccepts:
		q.ignored = q.added >= f.mostInVain()
		// Since the question was asked those that waited may have been accepted.
		if !q.warned && q.depth > 0 && f.now-max(q.since, q.shown) >= doubtAfter {
			q.warned = true
			f.emit(Action{Kind: WarnStuck, Number: n})
		}
	}
	return false
}

// stuck reports whether clients wait, and at each socket where they do it was warned that
// nobody accepts.
func (f *infer) stuck() (stuck bool) {
	for i := range f.queues {
		if q := &f.queues[i]; q.depth > 0 {
			if !q.warned {
				return false
			}
			stuck = true
		}
	}
	return stuck
}

// blame books a start, or with -1 an end, against the sockets that wait.
func (f *infer) blame(n int) {
	for i := range f.queues {
		if q := &f.queues[i]; q.depth > 0 {
			q.added = max(0, q.added+n)
		}
	}
}
