package limits

import (
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Read returns the facts of this process, and what the workers among pids take, by memory,
// which tells what one takes for itself.
func Read(pids []int, memoryOf func(pid int) (int64, bool)) Facts {
	f := Facts{Tasks: Unknown, Files: files(), Processes: processes(), Memory: memory(), PerWorker: perWorker(pids, memoryOf)}
	if n, bounded := Room(Tasks); bounded {
		f.Tasks = small(n)
	}
	return f
}

func small(n uint64) int { return int(min(n, math.MaxInt32)) }

// files is RLIMIT_NOFILE less what is open. The soft limit is meant: Go's
// runtime has raised it to the hard one.
func files() int {
	var most unix.Rlimit
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil || unix.Getrlimit(unix.RLIMIT_NOFILE, &most) != nil || most.Cur == unix.RLIM_INFINITY {
		return Unknown
	}
	return max(0, small(most.Cur)-len(open))
}

// processes is RLIMIT_NPROC, which does not hold for the privileged
// (getrlimit(2)).
func processes() int {
	var most unix.Rlimit
	if privileged() || unix.Getrlimit(unix.RLIMIT_NPROC, &most) != nil || most.Cur == unix.RLIM_INFINITY {
		return Unknown
	}
	return small(most.Cur)
}

func privileged() bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if os.Geteuid() == 0 || unix.Capget(&head, &data[0]) != nil {
		return true
	}
	return data[0].Effective&(1<<unix.CAP_SYS_ADMIN|1<<unix.CAP_SYS_RESOURCE) != 0
}

// memory is what the machine and the control groups leave.
func memory() int64 {
	left := int64(Unknown)
	data, _ := os.ReadFile("/proc/meminfo") // unknown without it
	for line := range strings.Lines(string(data)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "MemAvailable:" {
			if n, err := strconv.ParseInt(words[1], 10, 64); err == nil {
				left = n << 10
			}
		}
	}
	if n, bounded := Room(Memory); bounded && (left < 0 || int64(n) < left) {
		left = int64(n)
	}
	return left
}

// samples is how many workers are looked at: they are all alike.
const samples = 16

// perWorker is the mean of what workers have for themselves.
func perWorker(pids []int, memoryOf func(pid int) (int64, bool)) int64 {
	sum, n := int64(0), int64(0)
	for i := 0; i < len(pids) && n < samples; i++ {
		if private, ok := memoryOf(pids[i]); ok && private > 0 {
			sum, n = sum+private, n+1
		}
	}
	if n == 0 {
		return Unknown
	}
	return sum / n
}
