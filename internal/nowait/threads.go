package nowait

import (
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// fixed are those that wait beside those that run Go code (internal/oneprocessor): for
	// signals, in Go's poller, and the loop in a system call that takes longer than it should.
	fixed = 3
	// monitor is Go's, and locking is the one that it starts when a goroutine is locked to its
	// thread for the first time (runtime.LockOSThread), as package os/signal and [Allowance] do.
	monitor, locking = 1, 1
	// shared is how many goroutines may be in [Blocking] at a time: what our own system
	// does, such as to read a configuration or write to the log, and what others decide.
	shared = 2
	// spare is for calls that do not wait, such as accept(2) of Go's listeners, where the
	// kernel stops a thread within one.
	spare = 1
)

// Go's runtime starts a thread when a goroutine waits in a system call and another could
// run, and ends the process when the system refuses one (RLIMIT_NPROC of getrlimit(2),
// pids.max of a control group, which systemd calls TasksMax=). Such a limit is meant for
// workers, and they reach it. So [ReserveThreads] starts all threads that this process will
// ever need, before others may take the room for them; the runtime keeps them, and takes
// them before it starts others. For that to be enough, what may wait in system calls has to
// be bounded: it goes through [Blocking].

// ReserveThreads starts the threads. It costs some tenths of a millisecond, and 30 kB of
// memory for each thread.
func ReserveThreads() {
	runtime.LockOSThread() // the first time, which starts the one that is for that
	runtime.UnlockOSThread()
	startThreads(wanted())
}

// wanted is how many threads there are to be in all.
func wanted() int { return runtime.GOMAXPROCS(0) + fixed + shared + spare + monitor + locking }

// MissingThreads is how many threads ReserveThreads would start now.
func MissingThreads() int { return max(0, wanted()-threadCount()) }

// startThreads has goroutines wait in a system call, one more at a time, until there are n
// threads. Without a pipe, there is nothing left for workers either, and their starts will
// say so.
func startThreads(n int) {
	var p [2]int
	if unix.Pipe2(p[:], unix.O_CLOEXEC) != nil {
		return
	}
	var ended sync.WaitGroup
	for waiting := 0; waiting < n && threadCount() < n; waiting++ {
		entering := make(chan struct{})
		ended.Go(func() {
			close(entering)
			awaitEnd(p[0])
		})
		<-entering
	}
	_ = unix.Close(p[1]) // it ends all the reads
	ended.Wait()
	_ = unix.Close(p[0])
}

// awaitEnd reads from a pipe that nobody writes to.
func awaitEnd(fd int) {
	var b [1]byte
	for {
		if _, err := unix.Read(fd, b[:]); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// threadCount is how many threads there are; 0 = that is not known, as there is no /proc. A
// directory has two links and one from each directory in it, here too (proc_pid_task(5)).
func threadCount() int {
	var st unix.Stat_t
	if unix.Stat("/proc/self/task", &st) != nil {
		return 0
	}
	return max(0, int(st.Nlink)-2)
}

var places = make(chan struct{}, shared)

// Blocking runs f, which may wait in system calls, when one of few places is free.
func Blocking(f func()) {
	places <- struct{}{}
	defer func() { <-places }()
	f()
}
