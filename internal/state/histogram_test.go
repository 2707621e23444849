package state

import (
	"testing"
	"time"
)

func TestObserve(t *testing.T) {
	var h Histogram
	for _, d := range []time.Duration{-1, 0, Bounds[0], Bounds[0] + 1, time.Minute, time.Hour} {
		h.Observe(d)
	}
	want := Histogram{Sum: 2*Bounds[0] + 1 + time.Minute + time.Hour}
	want.Counts[0], want.Counts[1], want.Counts[len(Bounds)-1], want.Counts[len(Bounds)] = 3, 1, 1, 1
	if h != want {
		t.Errorf("%+v, want %+v", h, want)
	}
	if n := testing.AllocsPerRun(100, func() { h.Observe(time.Second) }); n != 0 {
		t.Errorf("%v allocations for one", n)
	}
}
