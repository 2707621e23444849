package board

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/availd/availd/worker"
)

// TestWaits: what a worker says of waits is counted once, also when its numbers begin again.
func TestWaits(t *testing.T) {
	b := create(t)
	b.Prepare(7)
	w := join(t, b, 7)
	look := func(before Waits, want map[int]uint64, sum time.Duration) Waits {
		t.Helper()
		now := b.Waits(7)
		counts, is := now.Since(before)
		for n, count := range counts {
			if count != want[n] {
				t.Errorf("%d of bound %d, want %d", count, n, want[n])
			}
		}
		if is != sum {
			t.Errorf("%v in all, want %v", is, sum)
		}
		return now
	}
	for _, d := range []time.Duration{0, time.Millisecond, 3 * time.Millisecond, time.Hour} {
		w.Waited(d)
	}
	last := look(Waits{}, map[int]uint64{0: 2, 1: 1, 12: 1}, time.Hour+4*time.Millisecond)
	last = look(last, nil, 0)
	for range 70000 {
		w.Waited(20 * time.Microsecond)
	}
	atomic.StoreUint64(b.line(7, worker.BoardWaited), last.sum) // as if 65536 had been counted in between
	now := b.Waits(7)
	if counts, _ := now.Since(last); counts[0] != 70000-65536 || counts[1] != 0 {
		t.Errorf("after the numbers have begun again: %v", counts)
	}
	if other := b.Waits(8); other != (Waits{}) {
		t.Errorf("of the next slot: %v", other)
	}
	b.Prepare(7)
	if fresh := b.Waits(7); fresh != (Waits{}) {
		t.Errorf("a new worker's: %v", fresh)
	}
}

// TestWaitsOfAnybody: whatever a worker writes, the sum is one of as many waits.
func TestWaitsOfAnybody(t *testing.T) {
	for _, sum := range []uint64{0, 1, 1 << 40, 1 << 63, ^uint64(0)} {
		w := Waits{counts: [4]uint64{3 << 16, 0, 0, 1}, sum: sum}
		_, is := w.Since(Waits{})
		if least, most := 3*time.Millisecond+time.Minute, 15*time.Millisecond+24*time.Hour; is < least || is > most {
			t.Errorf("%d: %v, want %v to %v", sum, is, least, most)
		}
	}
	worst := Waits{counts: [4]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}, sum: ^uint64(0)}
	if _, is := worst.Since(Waits{}); is < 0 {
		t.Errorf("the largest sum is %v", is)
	}
}
