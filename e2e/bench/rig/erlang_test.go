package rig

import (
	"testing"
	"time"
)

// TestMeanWait against an M/M/1 queue, whose mean wait is load/(1-load) of a request, and
// against figures of the tables in books.
func TestMeanWait(t *testing.T) {
	for _, c := range []struct {
		rate    float64
		hold    time.Duration
		workers int
		want    time.Duration // -1: never served
	}{
		{5, 100 * time.Millisecond, 1, 100 * time.Millisecond},
		{9, 100 * time.Millisecond, 1, 900 * time.Millisecond},
		{10, 100 * time.Millisecond, 1, -1},
		{15, 100 * time.Millisecond, 2, 128571 * time.Microsecond}, // 0.6429 wait, for 0.2 s
		{80, 100 * time.Millisecond, 10, 20459 * time.Microsecond}, // 0.4092 wait, for 0.05 s
	} {
		got := MeanWait(c.rate, c.hold, c.workers)
		if d := got - c.want; d < -20*time.Microsecond || d > 20*time.Microsecond {
			t.Errorf("%v a second of %v on %d workers: %v, want %v", c.rate, c.hold, c.workers, got, c.want)
		}
	}
}

func TestNeeded(t *testing.T) {
	const hold, wait = 100 * time.Millisecond, 20 * time.Millisecond
	for _, rate := range []float64{1, 20, 100, 600, 1200} {
		n := Needed(rate, hold, wait)
		if enough := MeanWait(rate, hold, n); enough < 0 || enough > wait {
			t.Errorf("%v a second on %d workers: %v", rate, n, enough)
		}
		if less := MeanWait(rate, hold, n-1); less >= 0 && less <= wait {
			t.Errorf("%v a second: %d workers, but one less would do", rate, n)
		}
	}
}
