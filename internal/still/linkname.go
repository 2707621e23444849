//go:build stillruntime

package still

import _ "unsafe" // for go:linkname

// period is in nanoseconds; the monitor sleeps for half of it. A runtime that
// has no such variable is an error of the linker.
//
//go:linkname period runtime.forcegcperiod
var period int64

// forever is 292 years.
const forever = 1<<63 - 1

func sleep() bool {
	period = forever
	return true
}
