package daemon

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/limits"
	"github.com/availd/availd/internal/nowait"
)

// This file has what availd itself needs of the limits that its unit sets for workers
// (systemd.exec(5), Limit…=). Run looks at all of them first: what is missing would end the
// process later, in Go's runtime with the stacks of all goroutines, of which nobody can see
// what is wrong.

// roomForItself reports an error where a limit leaves no room for availd.
func roomForItself() error {
	for _, check := range []func() error{roomForThreads, roomForMemory, roomForFiles} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// roomForThreads is about the threads that availd is about to start for itself.
func roomForThreads() error {
	need := nowait.MissingThreads()
	left, setting := limits.Startable(need)
	if left == limits.Unknown || left >= need {
		return nil
	}
	return fmt.Errorf("%s leaves room for %d more tasks, and availd needs %d for itself before it starts workers: raise it by %d and one for each worker",
		setting, left, need, need-left)
}

const (
	mebibyte = 1 << 20
	// threadStack is what a thread of a program that is linked with libc takes of the
	// address space where RLIMIT_STACK does not say (pthread_create(3)), with its guard.
	threadStack = 9 * mebibyte
	// growth is for the heap, and for what libc and Go's runtime reserve at once.
	growth = 128 * mebibyte
)

// leastAddresses is what a process of Go has with the threads of availd, if it is linked with
// libc (which is what go build does where there is a compiler): 1.3 GB, and for a moment more
// while a thread is made. units/ownlimit.go refuses less, too.
const leastAddresses = 2 << 30

// roomForMemory is about LimitAS= and LimitDATA=. Go's runtime reserves addresses by the
// gigabyte, and takes little memory for them. Below some 600 MB it ends before this is asked.
func roomForMemory() error {
	text, err := os.ReadFile("/proc/self/statm") // pages: all, resident, shared, text, 0, data; proc_pid_statm(5)
	pages := strings.Fields(string(text))
	if err != nil || len(pages) < 6 {
		return nil // what cannot be seen is found out later
	}
	more := uint64(nowait.MissingThreads())*threadStack + growth
	for _, bound := range []struct {
		setting, use string
		resource     int
	}{{"LimitAS=", pages[0], unix.RLIMIT_AS}, {"LimitDATA=", pages[5], unix.RLIMIT_DATA}} {
		var limit unix.Rlimit
		used, err := strconv.ParseUint(bound.use, 10, 64)
		if err != nil || unix.Getrlimit(bound.resource, &limit) != nil {
			continue
		}
		need := used*uint64(os.Getpagesize()) + more
		if bound.resource == unix.RLIMIT_AS {
			need = max(need, leastAddresses)
		}
		if limit.Cur < need {
			return fmt.Errorf("%s of %d MB leaves no room for availd itself, which reserves up to %d MB and uses a few of them: leave it out, and bound what the service uses by MemoryMax=",
				bound.setting, limit.Cur/mebibyte, need/mebibyte)
		}
	}
	return nil
}

// ownFiles is what availd's memory files have at most: the state and the board of a large
// pool, to which RLIMIT_FSIZE of getrlimit(2) applies as to any file.
const ownFiles = 4 * mebibyte

// roomForFiles is about LimitFSIZE=.
func roomForFiles() error {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_FSIZE, &limit) != nil || limit.Cur >= ownFiles {
		return nil
	}
	return fmt.Errorf("LimitFSIZE= of %d kB leaves no room for what availd remembers of its workers, which counts as a file of up to %d kB: raise it, or leave it out and use ReadOnlyPaths= or ProtectSystem=strict",
		limit.Cur/1024, ownFiles/1024)
}
