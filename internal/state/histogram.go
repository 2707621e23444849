package state

import "time"

// Bounds of a [Histogram], each inclusive. They span a request of a web server
// and a session of a mail server.
var Bounds = [...]time.Duration{
	time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 10 * time.Second, time.Minute,
}

// Histogram is how often something took how long. It is a value of fixed size:
// to observe allocates nothing, and to copy it is a moment's picture.
type Histogram struct {
	Counts [len(Bounds) + 1]uint64 // of each bound alone; the last is above all of them
	Sum    time.Duration
}

// Add adds what another has counted.
func (h *Histogram) Add(o Histogram) {
	for i, n := range o.Counts {
		h.Counts[i] += n
	}
	h.Sum += o.Sum
}

// Observe books one that took d.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(Bounds) && d > Bounds[i] {
		i++
	}
	h.Counts[i]++
	h.Sum += d
}
