package adopt

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/cgroup"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/worker"
)

// Real is the world of this process, whose workers lead sessions or do not.
func Real(sessions bool) World {
	return World{
		Members: members, Self: os.Getpid(), Manager: os.Getppid(), Sessions: sessions,
		Open:  func(pid int) (int, error) { return unix.PidfdOpen(pid, 0) }, // close-on-exec
		PidOf: procfs.PidOf, Stat: procfs.ReadStat, Generation: generation,
		Inherited: inherited,
	}
}

func members() []int {
	unit, err := cgroup.Own()
	if err != nil {
		return nil
	}
	pids, _ := unit.Members()
	return pids
}

// generation is what a worker was told at its birth.
func generation(pid int) (uint64, bool) {
	value, ok := procfs.Environ(pid, worker.EnvGeneration)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(value, 10, 64)
	return n, err == nil
}

// inherited compares the pid that a worker was told at its birth. A worker
// before its exec was told neither, and those of protocols without LISTEN_PID
// never are.
func inherited(pid int) bool {
	if _, isWorkers := procfs.Environ(pid, worker.EnvGeneration); !isWorkers {
		return false
	}
	told, ok := procfs.Environ(pid, "LISTEN_PID")
	return ok && told != strconv.Itoa(pid)
}
