package daemon

import (
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/spawn"
)

// dumps reports whether a core dump of a worker is being written, or of a process that it
// has started and that would be killed with it.
func dumps(p spawn.Process) bool { return procfs.DumpsCoreAny(p.PID) }
