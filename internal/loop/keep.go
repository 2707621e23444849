package loop

import (
	"fmt"
	"time"

	"github.com/availd/availd/policy"
)

// storeAfter is the age at which a worker is made known to the service manager's
// store, so that processes that live for a moment cost nothing there.
const storeAfter = time.Second

// Keeper keeps what has to survive this process. It does not block.
type Keeper struct {
	// Intend writes that a worker is about to be born; Born that it was, Free
	// that it is gone, Mark what became of it.
	Intend func(generation uint64, born policy.Instant, stress bool) (slot int, err error)
	Born   func(slot int, p Process)
	Mark   func(slot int, e policy.Entry, onBoard bool)
	Free   func(slot int)
	// Remember writes what belongs to the service.
	Remember func(policy.Memory, Tally)
	// Store writes what tells a worker from a later process of that pid, and gives
	// the service manager a copy of its pidfd; Unstore takes that back. A slot
	// below 0 is none.
	Store   func(slot int, generation uint64, p Process)
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
}

// RestoredWorker is a living worker, or one that died a moment ago. The loop
// takes Process.FD over.
type RestoredWorker struct {
	Process
	Entry  policy.Entry
	Slot   int
	Stored bool
}

// young are the births whose pidfd is not stored yet, in order of birth.
type young struct {
	proc *proc
	due  policy.Instant
}

// restore takes over what an earlier process has left.
func (l *Loop) restore(r *Restored) error {
	if r == nil {
		return nil
	}
	entries := make([]policy.Entry, 0, len(r.Workers))
	for _, w := range r.Workers {
		if err := l.watchProcess(&proc{
			Process: w.Process, generation: w.Entry.Generation, slot: w.Slot, stored: w.Stored,
			inode: pidfdInode(w.FD), adopted: true,
			timing: timing{born: w.Entry.Born, proven: true},
		}); err != nil {
			return err
		}
		if !w.Stored {
			l.young = append(l.young, young{l.procs[w.PID], l.now + storeAfter})
		}
		entries = append(entries, l.seats.resume(l.procs[w.PID], w.Entry))
	}
	for _, c := range r.Channels {
		if err := l.openChannel(c.FD, c.Generation, nil); err != nil {
			return err
		}
	}
	l.policy.Restore(l.now, r.Memory, entries)
	for i, w := range r.Workers {
		l.resumeLeaving(l.procs[w.PID], entries[i])
	}
	l.tally = r.Tally
	l.facts.refusal = "a worker could not be started"
	l.facts.throttle = l.cause(r.Memory.Cause)
	if !r.Started.IsZero() {
		l.facts.started = r.Started
	}
	l.sayRestored(r, len(entries))
	return nil
}

func (l *Loop) sayRestored(r *Restored, n int) {
	busy := l.policy.Condition(l.now).Busy
	switch {
	case r.Upgraded:
		l.say(eventUpgraded, levelInfo, fmt.Sprintf("upgraded in place to %s with %d workers, %d of them busy",
			l.cfg.Version, n, busy))
	case n > 0:
		l.say(eventAdopted, levelInfo, fmt.Sprintf("%d running workers were adopted, %d of them busy", n, busy))
	}
}

// keep writes down what changed in this turn.
func (l *Loop) keep() {
	l.policy.Changes(func(e policy.Entry) {
		p := l.procs[e.ID]
		if p == nil {
			return
		}
		if p.slot >= 0 {
			l.seams.Keep.Mark(p.slot, e, p.seat != noSeat)
		}
		if e.Leaving {
			l.seats.leave(p)
		}
	})
	l.seams.Keep.Remember(l.policy.Memory(), l.tally)
	for len(l.young) > 0 && (l.now >= l.young[0].due || l.isDead(l.young[0].proc)) {
		l.store(l.young[0].proc)
		l.young = l.young[1:]
	}
}

func (l *Loop) isDead(p *proc) bool { return l.procs[p.PID] != p }

func (l *Loop) store(p *proc) {
	if l.isDead(p) || p.stored {
		return
	}
	p.stored = true
	l.seams.Keep.Store(p.slot, p.generation, p.Process)
}

// intend precedes the clone: were we killed between the two, the next availd
// would look for the child.
func (l *Loop) intend(a policy.Action) int {
	slot, err := l.seams.Keep.Intend(a.Generation, l.now, a.Stress)
	if err != nil {
		l.say(eventInternal, levelError, "a birth cannot be written down ("+err.Error()+"): the worker would not be adopted after a crash, proceeding")
		return -1
	}
	return slot
}

func (l *Loop) release(slot int) {
	if slot >= 0 {
		l.seams.Keep.Free(slot)
	}
}

// nextStore is when the oldest young worker is old enough; 0 = there is none.
func (l *Loop) nextStore() policy.Instant {
	if len(l.young) == 0 {
		return 0
	}
	return l.young[0].due
}
