package try

import (
	"time"

	"github.com/availd/availd/internal/procfs"
)

// activity is what the program has done so far: a start may take as long as it likes while
// it does something.
type activity struct {
	done  uint64 // ticks of processors, and processes
	since time.Time
}

// restIn is how long a program does nothing that is ready, or waits for what does not come.
const restIn = 1200 * time.Millisecond

// rests reports whether the process and what it has started have done nothing for a while.
func (a *activity) rests(pid int) bool {
	var done uint64
	for _, p := range procfs.Family(pid, maxLooked) {
		ticks, waits := procfs.Ticks(p)
		if waits { // for a disk
			a.since = time.Now()
		}
		done += ticks + 1
	}
	if done != a.done {
		a.done, a.since = done, time.Now()
	}
	return time.Since(a.since) > restIn
}
