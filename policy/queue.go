package policy

// Unsure is the depth of a queue of which only poll(2) tells that it is not
// empty.
const Unsure = -1

// queue is one socket's accept queue. A socket that nobody accepts on must not
// start workers without end: after a number of births without a connection taken
// it does not count any more, until one is.
type queue struct {
	depth   int
	added   int // workers born since it last shrank
	changed Instant
	warned  bool
}

// patientFor is how many workers one socket may ask for before a connection of
// it is taken.
func (s *Service) patientFor() int { return max(4, 2*s.cfg.maxStarting()) }

// measure takes the depths over. It returns how many connections wait, how many
// were taken since the last sample at least, and whether some are ignored.
func (s *Service) measure(depths []int) (waiting, gone int, ignored bool) {
	for len(s.infer.queues) < len(depths) {
		s.infer.queues = append(s.infer.queues, queue{changed: s.now})
	}
	for n, depth := range depths {
		q := &s.infer.queues[n]
		unsure := depth == Unsure
		if unsure {
			depth = 1
		}
		if depth < q.depth || depth == 0 {
			gone += q.depth - depth
			q.added, q.warned, q.changed = 0, false, s.now
		}
		if unsure {
			q.added = 0 // whether it shrinks cannot be seen
		}
		q.depth = depth
		if depth > 0 && q.added >= s.patientFor() {
			ignored = true
			s.complain(n, q)
			continue
		}
		waiting += depth
	}
	return waiting, gone, ignored
}

// complain says once that a socket is ignored, when it has been for a while.
func (s *Service) complain(n int, q *queue) {
	if !q.warned && s.now-q.changed >= badWindow {
		q.warned = true
		s.emit(Action{Kind: WarnStuck, Number: n})
	}
}

// blame books a birth, or with -1 an end, against the sockets that wait.
func (s *Service) blame(n int) {
	for i := range s.infer.queues {
		if q := &s.infer.queues[i]; q.depth > 0 {
			q.added = max(0, q.added+n)
		}
	}
}
