package quiesce

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
)

// yields is how often the CPU is left to a process that was sent SIGSTOP: it has
// to run once more to stop.
const yields = 20

// awaitStop reports whether all threads of a process are stopped.
func awaitStop(pid int) (stopped, gone bool) {
	for range yields {
		if stopped, gone = isStopped(pid); stopped || gone {
			return stopped, gone
		}
		_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
	return false, false
}

// isStopped looks at all threads. The first one may have ended before the others
// (pthread_exit(3)), which is no end of the process.
func isStopped(pid int) (stopped, gone bool) {
	threads, err := procfs.Threads(pid)
	if err != nil {
		return false, !isAlive(pid)
	}
	living := 0
	for _, thread := range threads {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/stat", pid, thread))
		if procfs.IsGone(err) {
			continue
		}
		if err != nil {
			return false, false
		}
		// The name in parentheses may hold anything; the state is what follows
		// (proc_pid_stat(5)).
		i := bytes.LastIndexByte(stat, ')')
		switch {
		case i < 0 || i+2 >= len(stat):
			return false, false
		case stat[i+2] == 'Z' || stat[i+2] == 'X':
			continue
		case stat[i+2] != 'T':
			return false, false
		}
		living++
	}
	return living > 0, living == 0
}
