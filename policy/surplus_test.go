package policy

import (
	"testing"
	"time"
)

// TestSurplus: how many of four workers leave after a window, and how many calm
// windows the next attempt takes then.
func TestSurplus(t *testing.T) {
	for _, c := range []struct {
		name        string
		was         scaleDown
		window      window
		gone, wants int
	}{
		{"nobody came", scaleDown{wants: 4, open: true}, window{}, 4, 4},
		{"needed", scaleDown{was: 9, base: 4}, window{touched: true, busy: 10}, 0, 0},
		{"needed, so that the attempt was wrong", scaleDown{open: true, wants: 2, was: 4, base: 4}, window{touched: true, busy: 10}, 0, 4},
		{"needed for less than a hundredth", scaleDown{base: 4}, window{touched: true, busy: 4}, 2, 0},
		{"added, and no help", scaleDown{was: 2, base: 1}, window{touched: true, felt: true, busy: 2}, 3, 0},
		{"calm", scaleDown{base: 4}, window{touched: true}, 2, 0},
		{"calm, but somebody waited", scaleDown{base: 4}, window{touched: true, felt: true}, 1, 0},
		{"enough after the attempt", scaleDown{open: true, wants: 4, base: 4}, window{touched: true}, 0, 2},
		{"not calm for long enough", scaleDown{wants: 3, calm: 1, base: 4}, window{touched: true}, 0, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := queueConfig(9)
			cfg.IdleTimeout = 10 * time.Second // of which 100 ms are a hundredth
			s := New(cfg)
			for id := 1; id <= 4; id++ {
				s.table.add(id, uint64(id))
			}
			s.shrink.scaleDown, s.infer.window = c.was, c.window
			if gone := s.shrink.surplus(4); gone != c.gone || s.shrink.scaleDown.wants != c.wants {
				t.Errorf("%d leave, and the next attempt takes %d windows; want %d and %d", gone, s.shrink.scaleDown.wants, c.gone, c.wants)
			}
		})
	}
}
