package policy

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestHeap: in a large pool, too, the first is the one that needs attention first.
func TestHeap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tab := newTable()
	var all []*worker
	for id := 1; id <= 200; id++ {
		all = append(all, tab.add(id, uint64(id)))
	}
	for range 5000 {
		due := Instant(rng.IntN(1000))
		if due < 100 {
			due = far
		}
		tab.schedule(all[rng.IntN(len(all))], due)
		first := slices.MinFunc(all, func(a, b *worker) int { return int(min(a.due, 1000) - min(b.due, 1000)) })
		if tab.due() != first.due {
			t.Fatalf("the first is due at %v, not at %v", tab.due(), first.due)
		}
	}
}
