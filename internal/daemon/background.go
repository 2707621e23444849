package daemon

import (
	"time"

	"github.com/availd/availd/internal/survivors"
	"github.com/availd/availd/spawn"
)

// heir finds the process that a worker has left in its place; see survivors.Heir.
func (d *daemon) heir(worker int, age time.Duration, known func(pid int) bool) (spawn.Process, bool) {
	sockets := map[uint64]bool{}
	for _, s := range d.sockets.Workers {
		sockets[inodeOf(s.FD)] = true
	}
	pid, fd, ok := survivors.Heir(worker, sockets, age, known)
	return spawn.Process{PID: pid, FD: fd}, ok
}
