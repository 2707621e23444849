package loop

import (
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// dozeFor is how long the loop stays at hand after something has happened.
//
// A wait of which Go's scheduler knows frees the loop's processor, and a process
// without a busy processor puts its monitor thread to sleep: each wake-up is then
// that of two threads, of which one looks around at once and often. Where the next
// event is near, that is more than half of what a report costs. So the loop waits
// for it without saying so, as if it computed. A collector that has to stop the world
// need not wait for that: it sends SIGURG to the thread (Go 1.14), which ends the wait.
const dozeFor = 3 * time.Millisecond

// manyNear is after how many events near to each other the loop dozes. A doze that
// finds nothing costs what some five others save, as the monitor thread looks around
// while we do not say that we wait.
const manyNear = 8

// pace counts the turns that were near to the one before.
type pace int

func (p *pace) turn(before, now policy.Instant) {
	*p = min(*p+1, manyNear)
	if now-before >= dozeFor {
		*p = 0
	}
}

// lively reports whether the next event is likely to come while we doze. Where
// another goroutine could not run meanwhile, it is better waited for.
func (p pace) lively() bool { return p == manyNear && runtime.GOMAXPROCS(0) > 1 }

// doze is wait for a short time. It finds nothing when the time is over, or when
// a signal came.
func (e *epoll) doze(timeout time.Duration) []unix.EpollEvent {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(e.fd),
		uintptr(unsafe.Pointer(&e.events[0])), uintptr(len(e.events)), uintptr(milliseconds(timeout)), 0, 0)
	if errno != 0 { // wait will meet it again
		return nil
	}
	return e.events[:n]
}
