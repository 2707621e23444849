package inspect

import (
	"cmp"
	"slices"
	"time"

	"github.com/availd/availd/internal/sockdiag"
)

// This file follows the connections that wait at one listener from look to look: which of
// them were accepted meanwhile and how long they had waited, and whose client has hung up.
// listener.go fills it with what the kernel lists.
//
// A queue is first in, first out. So one that has gone while an older one still waits was
// not accepted: its client has reset it. Of a Unix socket the kernel tells no ages; there a
// connection is as old as the look that has seen it first, which is a lower bound.

// Queue is what waits at one socket.
type Queue struct {
	// Waiting is how many connections the kernel lists. Those that were reset by their
	// client are not among them, although they take room in the queue of a TCP socket.
	Waiting int
	// Oldest is how long the oldest of them waits: 0 if none does; negative = that cannot be
	// known.
	Oldest time.Duration
	// LowerBound: it waits at least so long (Unix sockets).
	LowerBound bool
}

// Accepted is a connection that was seen to wait, and was accepted since.
type Accepted struct {
	Socket int
	// Waited is how long it waited, as far as looks can tell: the mean of what is possible,
	// or, with LowerBound, the least.
	Waited     time.Duration
	LowerBound bool
}

// most is the longest time between two looks for which half of it is added to the age that
// a connection had at the earlier one. After longer the mean says nothing.
const mostBetween = 100 * time.Millisecond

// waiter is one connection that waits.
type waiter struct {
	id    uint64        // no other one has it; 0 = a Unix client that has hung up
	age   time.Duration // at the look
	first time.Time     // when it was first seen, of a Unix socket
	shut  bool          // its client has hung up, which is counted
}

// queue is those of one listener at the latest look, and at the one before.
type queue struct {
	now, before []waiter
	looked      time.Time
	stays       bool // whoever was first in line at the look before is there still: nobody was accepted
}

// begin starts a look.
func (q *queue) begin() { q.now, q.before, q.stays = q.before[:0], q.now, false }

// forget: what waits cannot be known.
func (q *queue) forget() { q.now, q.before = q.now[:0], q.before[:0] }

func (q *queue) add(c sockdiag.TCPConnection) {
	q.now = append(q.now, waiter{id: c.Cookie, age: c.Unsent, shut: c.Shut})
}

// compareTCP ends a look at a TCP listener.
func (q *queue) compareTCP(socket int, at time.Time, a *Answer) {
	slices.SortFunc(q.now, func(a, b waiter) int { return cmp.Compare(a.id, b.id) })
	passed := at.Sub(q.looked)
	q.looked = at
	oldest := time.Duration(-1) // at the look before
	older := time.Duration(-1)  // of those that wait still
	for _, w := range q.before {
		oldest = max(oldest, w.age)
		if q.find(q.now, w.id) != nil {
			older = max(older, w.age)
		}
	}
	// Any that is about as old as the oldest may have been the first. One that has gone was
	// accepted, or its client has reset it.
	q.stays = oldest >= 0 && !slices.ContainsFunc(q.before, func(w waiter) bool {
		return w.age+slack >= oldest && q.find(q.now, w.id) == nil
	})
	for _, w := range q.before {
		switch {
		case q.find(q.now, w.id) != nil:
		case w.age+slack >= older:
			a.Accepted = append(a.Accepted, Accepted{Socket: socket, Waited: w.age + min(passed, mostBetween)/2})
		case !w.shut:
			a.Abandoned++
		}
	}
	for _, w := range q.now {
		if was := q.find(q.before, w.id); w.shut && (was == nil || !was.shut) {
			a.Abandoned++
		}
	}
}

func (*queue) find(list []waiter, id uint64) *waiter {
	n, found := slices.BinarySearchFunc(list, id, func(w waiter, id uint64) int { return cmp.Compare(w.id, id) })
	if !found {
		return nil
	}
	return &list[n]
}

// came is how many of those that wait at a TCP listener have come since the look before.
func (q *queue) came() (n int) {
	for _, w := range q.now {
		if q.find(q.before, w.id) == nil {
			n++
		}
	}
	return n
}

// compareUnix ends a look at a Unix listener, whose connections are in their order. It
// returns how many have left.
func (q *queue) compareUnix(socket int, at time.Time, a *Answer) (left int) {
	left = q.left()
	q.stays = left == 0 && len(q.before) > 0
	for n := range q.now {
		w := &q.now[n]
		w.first, w.shut = at, w.id == 0
		counted := false
		if left+n < len(q.before) {
			was := &q.before[left+n]
			w.first, counted = was.first, was.shut
		}
		w.age = at.Sub(w.first)
		if w.shut && !counted {
			a.Abandoned++
		}
	}
	for _, w := range q.before[:left] {
		a.Accepted = append(a.Accepted, Accepted{Socket: socket, Waited: w.age, LowerBound: true})
	}
	return left
}

// left is how many of those before have left the queue at its head: the fewest with which
// all others are still there. Of one whose client has hung up meanwhile the number is gone.
func (q *queue) left() int {
	for left := max(0, len(q.before)-len(q.now)); ; left++ {
		same := true
		for n, w := range q.before[left:] {
			same = same && (q.now[n].id == w.id || q.now[n].id == 0)
		}
		if same {
			return left
		}
	}
}

// state is what waits now.
func (q *queue) state(bound bool) Queue {
	s := Queue{Waiting: len(q.now), LowerBound: bound}
	for _, w := range q.now {
		s.Oldest = max(s.Oldest, w.age)
	}
	return s
}
