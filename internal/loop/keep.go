package loop

import (
	"cmp"
	"slices"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/template"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// This file writes down what must survive availd, and takes over what an earlier one has
// left: restore before the first turn, intend before each start, keep at the end of each
// turn.

// storeAfter is the age at which a worker is made known to the service manager's
// store, so that processes that live for a moment cost nothing there.
const storeAfter = time.Second

// StoredMost bounds how many workers have a pidfd in that store. It is all that remains of
// a worker in there, and costs more the more there are: the service manager compares each
// with all that it has, and hands all of them to the next process (5,000 of them: 32 s
// from a crash to the next availd, where the others of a pool of that size are found in
// tens of milliseconds by pid and start time). Those that are not in the store only lose
// their exit status, and only if they end while no availd runs.
const StoredMost = 512

// Keeper keeps what has to survive this process. It does not block.
type Keeper struct {
	// Intend writes that a worker is about to be started; Started that it was, Free
	// that it is gone, Mark what became of it.
	Intend  func(generation uint64, started policy.Instant, stress bool) (slot int, err error)
	Started func(slot int, p spawn.Process)
	Mark    func(slot int, e policy.Entry, onBoard bool)
	Free    func(slot int)
	// Remember writes what belongs to the service.
	Remember func(policy.Memory, Tally)
	// Identify writes what tells a worker from a later process of that pid. A slot
	// below 0 is none.
	Identify func(slot int, p spawn.Process)
	// Store gives the service manager a copy of a worker's pidfd; Unstore takes that back.
	Store   func(generation uint64, p spawn.Process)
	Unstore func(generation uint64)
}

// Restored is what an earlier process has left.
type Restored struct {
	Memory   policy.Memory
	Tally    Tally
	Started  time.Time
	Upgraded bool             // it was an image of this very process
	Workers  []RestoredWorker // in order of generation
	// Channels are status channels whose workers are gone. The loop takes them
	// over.
	Channels []Handed
	// Templates may have forked workers that are not known yet, which Orders are about.
	// The loop takes both descriptors of each over.
	Templates []RestoredTemplate
	Orders    []RestoredOrder // in order of generation
}

// RestoredTemplate is one that an earlier process has started.
type RestoredTemplate struct {
	spawn.Process
	Channel *template.Channel
	// Ours: it is a child of this process. Current: it is of the present revision, and
	// ready; any other is ended when its orders are answered.
	Ours, Current bool
	// MayBeStopped says that the earlier process may have stopped it, to look at it.
	MayBeStopped bool
}

// RestoredOrder is a worker that was ordered, or was about to be.
type RestoredOrder struct {
	Entry policy.Entry
	Slot  int
}

// RestoredWorker is a living worker, or one that died a moment ago. The loop
// takes Process.FD over.
type RestoredWorker struct {
	spawn.Process
	Entry  policy.Entry
	Slot   int
	Stored bool
	// MayBeStopped says that the earlier process may have stopped it, to look at it.
	MayBeStopped bool
}

// unstored are the starts whose pidfd is not stored yet, in order of start.
type unstored struct {
	proc *proc
	due  policy.Instant
}

// memory writes down what must survive this process.
type memory struct {
	*core
	board *boardSlots

	unstored []unstored
	stored   int // workers that are in the service manager's store
}

// storeLater has a worker stored when it is old enough.
func (m *memory) storeLater(p *proc) {
	m.unstored = append(m.unstored, unstored{p, m.now + storeAfter})
}

// ended takes a worker out of the store and of what is written down.
func (m *memory) ended(p *proc) {
	if p.stored || p.wasStored {
		m.seams.Keep.Unstore(p.generation)
	}
	if p.stored {
		m.stored--
	}
	m.release(p.slot)
}

// restore takes over what an earlier process has left.
func (l *Loop) restore(r *Restored) error {
	if r == nil {
		return nil
	}
	entries := make([]policy.Entry, 0, len(r.Workers))
	for _, w := range r.Workers {
		if err := l.workers.watch(&proc{
			Process: w.Process, generation: w.Entry.Generation, slot: w.Slot, stored: w.Stored, wasStored: r.Upgraded,
			inode: pidfdInode(w.FD), adopted: true,
			timing: timing{started: w.Entry.Started, proven: true},
		}); err != nil {
			return err
		}
		if w.Stored {
			l.memory.stored++
		} else {
			l.memory.storeLater(l.procs[w.PID])
		}
		entries = append(entries, l.board.resume(l.procs[w.PID], w.Entry))
	}
	ordered, err := l.templates.restoreTemplates(r)
	if err != nil {
		return err
	}
	entries = append(entries, ordered...)
	slices.SortFunc(entries, func(a, b policy.Entry) int { return cmp.Compare(a.Generation, b.Generation) })
	for _, c := range r.Channels {
		if err := l.channels.open(c.FD, c.Generation, nil); err != nil {
			return err
		}
	}
	l.policy.Restore(l.now, r.Memory, entries)
	stopped := make(map[int]bool, len(r.Workers))
	for _, w := range r.Workers {
		stopped[w.PID] = w.MayBeStopped
	}
	for _, e := range entries {
		if p := l.procs[e.ID]; p.order == nil {
			l.retirees.resume(p, e, stopped[e.ID])
		}
	}
	l.tally = r.Tally
	l.facts.refusal = event.NotStarted.With()
	l.facts.throttle = l.cause(r.Memory.Cause)
	if !r.Started.IsZero() {
		l.facts.started = r.Started
	}
	l.sayRestored(r, len(r.Workers))
	return nil
}

func (l *Loop) sayRestored(r *Restored, n int) {
	busy := l.condition().Busy
	switch {
	case r.Upgraded:
		l.say(event.Upgraded, event.Version(l.cfg.Version), event.Workers(n), event.Working(busy))
	case n > 0:
		l.say(event.Adopted, event.Workers(n), event.Working(busy))
	}
}

// keep writes down what changed in this turn.
func (m *memory) keep() {
	m.policy.Changes(func(e policy.Entry) {
		p := m.procs[e.ID]
		if p == nil {
			return
		}
		if p.slot >= 0 {
			m.seams.Keep.Mark(p.slot, e, p.attachment != notOnBoard)
		}
		if e.Retiring {
			m.board.retire(p)
		}
	})
	m.seams.Keep.Remember(m.policy.Memory(), m.tally)
	for len(m.unstored) > 0 && (m.now >= m.unstored[0].due || m.isDead(m.unstored[0].proc)) {
		m.store(m.unstored[0].proc)
		m.unstored = m.unstored[1:]
	}
}

func (m *memory) store(p *proc) {
	if m.isDead(p) || p.stored {
		return
	}
	if p.Start == 0 {
		m.seams.Keep.Identify(p.slot, p.Process)
	}
	if m.stored >= StoredMost {
		return
	}
	p.stored = true
	m.stored++
	m.seams.Keep.Store(p.generation, p.Process)
}

// intend precedes the clone: were we killed between the two, the next availd
// would look for the child.
func (m *memory) intend(a policy.Action) int {
	slot, err := m.seams.Keep.Intend(a.Generation, m.now, a.Stress)
	if err != nil {
		m.say(event.NotRecorded, event.Cause(err))
		return -1
	}
	return slot
}

func (m *memory) release(slot int) {
	if slot >= 0 {
		m.seams.Keep.Free(slot)
	}
}

// nextStore is when the oldest unstored worker is old enough; 0 = there is none.
func (m *memory) nextStore() policy.Instant {
	if len(m.unstored) == 0 {
		return 0
	}
	return m.unstored[0].due
}
