package board

import (
	"math/bits"
	"sync/atomic"
	"unsafe"

	"github.com/availd/availd/worker"
)

// maxPasses bounds a Look: a worker that sets the bits of others all the time
// must not hold it up.
const maxPasses = 4

// lowest is a low-water mark that every worker lowers.
const lowest = 64

// Prepare makes a slot ready for a worker that is about to be started, and counts
// its bit from now on.
func (b *Board) Prepare(slot int) {
	atomic.StoreUint64(b.line(slot, worker.BoardOwner), 0)
	atomic.StoreUint64(b.line(slot, worker.BoardTurns), 0)
	atomic.StoreUint64(b.line(slot, worker.BoardNote), 0)
	for field := worker.BoardWaits; field <= worker.BoardWaited; field += 8 {
		atomic.StoreUint64(b.line(slot, field), 0)
	}
	atomic.AndUint64(&b.idle[slot/64], ^bit(slot))
	b.seen[slot/64] &^= bit(slot)
	b.Count(slot)
}

// Count makes the bit of a slot count, which is in use already.
func (b *Board) Count(slot int) { b.counted[slot/64] |= bit(slot) }

// Forget ends that: its worker is dead, is asked to retire, or does not use the
// board. The next Look takes the bit away, as the other workers would not wake availd
// while it is there.
func (b *Board) Forget(slot int) {
	b.counted[slot/64] &^= bit(slot)
	b.seen[slot/64] &^= bit(slot)
}

// Owner is the generation of the worker that uses the slot, as it says; 0 =
// nobody does.
func (b *Board) Owner(slot int) uint64 { return atomic.LoadUint64(b.line(slot, worker.BoardOwner)) }

// Turns is how often the worker of the slot took and finished a job, as it
// says: an odd number while it holds one.
func (b *Board) Turns(slot int) uint64 { return atomic.LoadUint64(b.line(slot, worker.BoardTurns)) }

// Idle reports whether the latest Look has found the worker of the slot idle.
func (b *Board) Idle(slot int) bool { return b.seen[slot/64]&bit(slot) != 0 }

// AnyIdle reports whether it has found any that is.
func (b *Board) AnyIdle() bool { return b.seen != [words]uint64{} }

// Dip is how many more workers than the Look before had found were busy at
// some moment between the two. In a pool of more than 64 it may be too high, as
// the words had their low at different moments.
func (b *Board) Dip() int { return b.dip }

// Look reads all bits and returns the slots that became idle since the last
// Look, and those that became busy. The slices are valid until the next one.
//
// Taking a stray bit away is as if its worker had taken a job: if it was the
// last one, whoever took a job just before saw it and did not wake availd. So what was
// read before does not count, and all is read again.
func (b *Board) Look() (freed, taken []int) {
	var now [words]uint64
	for range maxPasses {
		if !b.pass(&now) {
			break
		}
	}
	b.freed, b.taken, b.dip = b.freed[:0], b.taken[:0], 0
	for i, is := range now {
		was := b.seen[i]
		if was != 0 {
			low := int(min(atomic.SwapUint64(&b.low[i], lowest), lowest))
			b.dip += max(0, bits.OnesCount64(was)-low)
		}
		b.freed = slots(b.freed, i, is&^was)
		b.taken = slots(b.taken, i, was&^is)
	}
	b.seen = now
	return b.freed, b.taken
}

// pass reads all words, and reports whether it took stray bits away.
func (b *Board) pass(now *[words]uint64) (strays bool) {
	for i := range b.idle {
		v := atomic.LoadUint64(&b.idle[i])
		if v&^b.counted[i] != 0 {
			v = atomic.AndUint64(&b.idle[i], b.counted[i])
			strays = true
		}
		now[i] = v & b.counted[i]
	}
	return strays
}

func bit(slot int) uint64 { return 1 << (slot % 64) }

// slots appends the numbers of the bits that are set in word i.
func slots(list []int, i int, set uint64) []int {
	for ; set != 0; set &= set - 1 {
		list = append(list, 64*i+bits.TrailingZeros64(set))
	}
	return list
}

func (b *Board) line(slot, field int) *uint64 {
	return (*uint64)(unsafe.Pointer(&b.memory[worker.BoardLines+slot*worker.BoardLine+field]))
}
