package status

import "github.com/availd/availd/internal/state"

// Measures are counted for the metrics alone. What is not known is nil.
type Measures struct {
	Exits    [ExitReasons]uint64 // by reason; their sum is Counters.Exited
	Requests *state.Histogram    // from busy to idle
	Starts   *state.Histogram    // from the start to the first word
	Waits    *state.Histogram    // of connections until they were accepted
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
