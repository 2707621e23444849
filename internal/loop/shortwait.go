package loop

import (
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// This file is about what a wait costs where events come one after the other.
//
// A wait in Go's poller (parked.go) takes some system calls and a look of the scheduler
// at all it has more than the wait itself. So while events are near to each other the
// loop waits without telling the scheduler, as if it computed. Then the scheduler's
// monitor thread looks around every 10 ms, and finding a goroutine that has run for so
// long it interrupts it by a signal: that is more than the poller costs unless hundreds
// of events come in a second.

// shortWait is how long the loop waits in this way for the next event.
const shortWait = 2 * time.Millisecond

// near is how soon after the one before an event is near, and manyNear after how many of
// them the loop waits in this way.
const (
	near     = time.Millisecond
	manyNear = 32
)

// pace counts the turns that were near to the one before, and forgets half of them with
// each one that was not.
type pace int

func (p *pace) turn(before, now policy.Instant) {
	if now-before < near {
		*p = min(*p+1, 2*manyNear)
	} else {
		*p /= 2
	}
}

// lively reports whether the next event is likely to come within a short wait.
func (p pace) lively() bool { return p >= manyNear }

// waitShort is wait for a short time, of which the scheduler is not told. It finds
// nothing when the time is over, or on an error, which another wait will meet again.
// Other goroutines, and collections of garbage, have their turn before it.
func (e *epoll) waitShort(timeout time.Duration) []unix.EpollEvent {
	runtime.Gosched()
	found, _ := e.found(e.pwait(timeout, unix.RawSyscall6))
	return found
}

// systemCall is unix.Syscall6, which tells the scheduler, or unix.RawSyscall6.
type systemCall func(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err unix.Errno)

// pwait is epoll_pwait2(2) of Linux 5.11, which takes a time of any precision: a batch of
// reports may be gathered for less than a millisecond. Before it there is epoll_pwait(2),
// in whole milliseconds.
func (e *epoll) pwait(timeout time.Duration, call systemCall) (int, error) {
	events, most := uintptr(unsafe.Pointer(&e.events[0])), uintptr(len(e.events))
	if !e.coarse {
		e.time = unix.NsecToTimespec(int64(timeout))
		at := uintptr(unsafe.Pointer(&e.time))
		if timeout < 0 {
			at = 0 // for as long as it takes
		}
		n, _, errno := call(unix.SYS_EPOLL_PWAIT2, uintptr(e.fd), events, most, at, 0, 0)
		if errno == 0 {
			return int(n), nil
		}
		// A filter of system calls that is older than the call answers as it likes.
		if errno != unix.ENOSYS && errno != unix.EPERM {
			return 0, errno
		}
		e.coarse = true
	}
	n, _, errno := call(unix.SYS_EPOLL_PWAIT, uintptr(e.fd), events, most, uintptr(milliseconds(timeout)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
