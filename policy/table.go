package policy

// This file has the table of workers. Started adds, Exit removes, and every other event
// moves workers between its classes with count; the counts decide about starts, so they
// are kept and not worked out anew.

// state is what the table believes of a worker that has not been asked to
// retire. A starting worker counts as available like an idle one.
type state uint8

const (
	starting state = iota
	idle
	busy
)

type worker struct {
	id         int
	generation uint64
	started    Instant
	since      Instant // beginning of the present state
	serving    Instant // beginning of the present request, as far as it is known; valid if busy
	beat       Instant // last sign of life for the watchdog
	ready      Instant // end of the starting state
	retiredAt  Instant // asked to retire
	abortedAt  Instant
	dumpsUntil Instant // SIGKILL is put off until then; 0 = it is not
	due        Instant // moment of attention; see timers.go
	place      int     // in the heap, -1 = not in it
	held       int     // clients it says it holds
	finished   int     // jobs
	state      state
	why        Why  // it was asked to retire, aborted or killed
	executed   bool // its command is
	retiring   bool // not available any more, keeps its slot
	told       bool // by us; STOPPING=1 is its own word
	aborted    bool // the first rung of the ladder was climbed
	killed     bool // the last one
	blamed     bool // its bad start is booked already
	taken      bool // has been busy
	suspect    bool
	large      bool // takes more memory than it may
	seldom     bool // … and it is seldom looked whether it holds a client
	slow       bool // that its request takes long is said already
	works      bool // at a request, where nobody reports; see work.go
	stress     bool
	adopted    bool
	dirty      bool // changed since Changes was called
	asleep     bool // it was seen to wait while it is starting
	waits      Waits
	connection uint32  // that it was last seen with; 0 = with none
	holding    Instant // since when it has been seen with that
	accepted   bool    // it was seen with a connection
	served     bool    // … that it has finished

	older, younger *worker
}

// holds reports whether ending it would cut a client off.
func (w *worker) holds() bool { return w.state == busy || w.held > 0 }

// table is the set of workers with its counts. total = starting + idle + busy
// + retiring, disjoint. Records of ended workers are used again, so a warm
// table does not allocate. The list keeps the order of start: whoever looks at
// all workers does it oldest first, so that the same input gives the same
// output, which the order of a map would not.
type table struct {
	byID             map[int]*worker
	oldest, youngest *worker
	order            dueHeap
	spare            []*worker
	dirty            []*worker

	starting, idle, busy, retiring int
	asleep                         int // of the starting ones
	ending                         int // the retiring ones that hold nothing: about to exit

	border     uint64 // see divide
	old, fresh int
}

func newTable() table { return table{byID: make(map[int]*worker)} }

func (t *table) total() int     { return len(t.byID) }
func (t *table) available() int { return t.starting + t.idle }

func (t *table) add(id int, generation uint64) *worker {
	if t.byID[id] != nil {
		panic("policy: worker started twice")
	}
	var w *worker
	if n := len(t.spare); n > 0 {
		w, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		w = new(worker)
	}
	*w = worker{id: id, generation: generation, due: far, place: -1, dirty: w.dirty}
	t.byID[id] = w
	t.append(w)
	t.count(w, 1)
	return w
}

func (t *table) append(w *worker) {
	w.older = t.youngest
	if t.youngest != nil {
		t.youngest.younger = w
	} else {
		t.oldest = w
	}
	t.youngest = w
}

func (t *table) remove(w *worker) {
	t.count(w, -1)
	t.schedule(w, far)
	delete(t.byID, w.id)
	if w.older != nil {
		w.older.younger = w.younger
	} else {
		t.oldest = w.younger
	}
	if w.younger != nil {
		w.younger.older = w.older
	} else {
		t.youngest = w.older
	}
	t.spare = append(t.spare, w)
}

// rename has the record of w stand for another process.
func (t *table) rename(w *worker, id int) {
	delete(t.byID, w.id)
	w.id = id
	t.byID[id] = w
	t.touch(w)
}

// count adds n to the class that w is in. Whoever changes a worker's class
// takes it out before and puts it back after.
func (t *table) count(w *worker, n int) {
	if n > 0 {
		t.touch(w)
	}
	t.countSide(w, n)
	switch {
	case w.retiring:
		t.retiring += n
		if !w.holds() {
			t.ending += n
		}
	case w.state == starting:
		t.starting += n
		if w.asleep {
			t.asleep += n
		}
	case w.state == idle:
		t.idle += n
	default:
		t.busy += n
	}
}

// divide says up to which generation a worker is old. old counts those that
// were not asked to retire yet, fresh the younger ones that are starting: a
// rolling restart asks for both after every event.
func (t *table) divide(border uint64) {
	t.border, t.old, t.fresh = border, 0, 0
	for w := t.oldest; w != nil; w = w.younger {
		t.countSide(w, 1)
	}
}

func (t *table) countSide(w *worker, n int) {
	switch {
	case w.retiring:
	case w.generation <= t.border:
		t.old += n
	case w.state == starting:
		t.fresh += n
	}
}

// touch marks w as changed, for whoever keeps a copy of the table.
func (t *table) touch(w *worker) {
	if !w.dirty {
		w.dirty = true
		t.dirty = append(t.dirty, w)
	}
}

// blame books that w has failed, which is told once. A worker that has ended may be a copy of
// what was in the table.
func (t *table) blame(w *worker) {
	w.blamed = true
	if t.byID[w.id] == w {
		t.touch(w)
	}
}

func (t *table) due() Instant {
	if len(t.order) == 0 {
		return far
	}
	return t.order[0].due
}

// schedule sets the moment at which w needs attention; far = none.
func (t *table) schedule(w *worker, due Instant) {
	switch {
	case w.due == due:
	case due == far:
		t.order.remove(w)
	case w.place < 0:
		w.due = due
		t.order.push(w)
	default:
		w.due = due
		t.order.fix(w)
	}
	w.due = due
}
