package worker

import (
	"sync/atomic"
	"time"
)

// WaitBounds are the upper bounds, each inclusive, by which waits are counted on the board.
var WaitBounds = [...]time.Duration{
	time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 10 * time.Second, time.Minute,
}

// Waited says how long a connection has waited until this worker accepted it. [Serve] and
// [HTTP] do so by themselves; a worker with a loop of its own may, after [Board.Take].
func (b *Board) Waited(d time.Duration) {
	n := 0
	for n < len(WaitBounds) && d > WaitBounds[n] {
		n++
	}
	// This worker alone writes here, and availd only ever compares.
	word, shift := b.line(BoardWaits+8*(n/4)), 16*(n%4)
	mask := uint64(0xffff) << shift
	was := atomic.LoadUint64(word)
	atomic.StoreUint64(word, was&^mask|(was+1<<shift)&mask)
	sum := b.line(BoardWaited)
	atomic.StoreUint64(sum, atomic.LoadUint64(sum)+uint64(max(d, 0)/time.Microsecond))
}
