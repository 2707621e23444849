package status

import "time"

// Measures are counted for the metrics alone. What is not known is nil.
type Measures struct {
	Exits    [ExitReasons]uint64 // by reason; their sum is Counters.Exited
	Requests *Histogram          // from busy to idle
	Starts   *Histogram          // from birth to the first word
}

// Reasons for which a worker is no more, as the metrics name them.
const (
	ExitClean   = iota // status 0
	ExitFailed         // any other status
	ExitSignal         // a signal, not of availd
	ExitKilled         // a signal of availd: after a timeout, or at a stop
	ExitUnknown        // it ended while no availd was there
	ExitReasons
)

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
