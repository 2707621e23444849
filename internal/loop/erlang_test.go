package loop

import (
	"testing"
	"time"
)

// TestWorkersFor compares with values from tables of Erlang's C: the mean wait of 8 erlang
// at 10 workers is 0.2045 times the mean time of a request, at 9 workers 0.6533 times.
func TestWorkersFor(t *testing.T) {
	const work = time.Second
	for _, c := range []struct {
		load float64
		wait time.Duration
		want int
	}{
		{8, 205 * time.Millisecond, 10},
		{8, 204 * time.Millisecond, 11},
		{8, 654 * time.Millisecond, 9},
		{8, 652 * time.Millisecond, 10},
		{0, 0, 1},
		{0.5, time.Second, 1},
		{60, 200 * time.Millisecond, 64},
	} {
		if got := workersFor(c.load, work, c.wait); got != c.want {
			t.Errorf("%v erlang, %v: %d, want %d", c.load, c.wait, got, c.want)
		}
	}
}
