package spawn

import (
	"errors"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// A process gets children that it did not start where it is process 1 of a container or
// a child subreaper (PR_SET_CHILD_SUBREAPER(2const)): the orphans among the descendants
// of its workers. It has some from the start where a shell with children has executed
// it. Nobody else can collect them.
//
// availd makes itself a subreaper only where workers are forked by a template, each by a
// process that ends at once, so that they become its children. Elsewhere orphans are the
// service manager's, which collects them. Either way a worker whose availd has died is the
// manager's child, and is told by that.

// BecomeReaper has the orphans among the descendants of this process become its children.
// It lasts for all later images of the process.
func BecomeReaper() error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
}

// IsReaper reports whether orphans become children of this process.
func IsReaper() bool {
	var subreaper int32
	_, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&subreaper)), 0, 0, 0, 0)
	return os.Getpid() == 1 || errno == 0 && subreaper != 0
}

// own are children of this process that are no workers: some function waits for each.
var own = struct {
	sync.Mutex
	pids map[int]bool
}{pids: map[int]bool{}}

// Own starts a child with start, which returns its pid, and lets nobody collect it but
// the caller, who calls done when it has.
func Own(start func() (pid int, err error)) (done func(), err error) {
	own.Lock()
	defer own.Unlock()
	pid, err := start()
	if err != nil {
		return func() {}, err
	}
	own.pids[pid] = true
	return func() {
		own.Lock()
		defer own.Unlock()
		delete(own.pids, pid)
	}, nil
}

// CollectStrangers collects the dead children that are nobody's, and takes no status from
// who waits for it: isWorker says whose end is found by its pidfd, and is told how the
// child has ended. The kernel shows one dead child at a time, so those behind one that is
// somebody's have to wait for him: then blocked says that there may be more.
//
// It does not wait for a child that is being started by Own, but is blocked then.
func CollectStrangers(isWorker func(pid int, e policy.End) bool) (blocked bool, err error) {
	if !own.TryLock() {
		return true, nil
	}
	defer own.Unlock()
	for {
		var info siginfo
		err := waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT)
		switch {
		case errors.Is(err, unix.ECHILD):
			return false, nil
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return false, os.NewSyscallError("waitid", err)
		}
		pid := int(info.pid)
		switch {
		case pid == 0:
			return false, nil
		case own.pids[pid] || isWorker(pid, info.end()):
			return true, nil
		}
		if err := waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG); err != nil && !errors.Is(err, unix.EINTR) {
			return false, os.NewSyscallError("waitid", err)
		}
	}
}
