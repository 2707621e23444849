package board

import (
	"sync/atomic"
	"time"

	"github.com/availd/availd/worker"
)

// Waits are how long connections have waited that a worker has accepted, as it says: how
// many by worker.WaitBounds, each modulo 65536, and the sum of all in microseconds.
type Waits struct {
	counts [4]uint64
	sum    uint64
}

// Waits are those of the worker of the slot until now.
func (b *Board) Waits(slot int) (w Waits) {
	for i := range w.counts {
		w.counts[i] = atomic.LoadUint64(b.line(slot, worker.BoardWaits+8*i))
	}
	w.sum = atomic.LoadUint64(b.line(slot, worker.BoardWaited))
	return w
}

// Since is what was added after an earlier look, and the sum of it. A worker can write what
// it likes, so the sum is brought between what the bounds allow; of those above the last
// bound it is taken for a day at most.
func (w Waits) Since(before Waits) (counts [len(worker.WaitBounds) + 1]uint64, sum time.Duration) {
	var least, most time.Duration
	for n := range counts {
		shift := 16 * (n % 4)
		count := uint16(w.counts[n/4]>>shift) - uint16(before.counts[n/4]>>shift)
		counts[n] = uint64(count)
		if n > 0 {
			least += time.Duration(count) * worker.WaitBounds[n-1]
		}
		if n < len(worker.WaitBounds) {
			most += time.Duration(count) * worker.WaitBounds[n]
		} else {
			most += time.Duration(count) * 24 * time.Hour
		}
	}
	sum = most
	if micros := w.sum - before.sum; micros < uint64(most/time.Microsecond) {
		sum = time.Duration(micros) * time.Microsecond
	}
	return counts, max(least, sum)
}
