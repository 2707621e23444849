package loop

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// This file has the epoll set in which the loop waits, and the wake event by which other
// goroutines end that wait. A turn waits once, at its beginning; parked.go and
// shortwait.go say how.

// epoll is the only epoll set of availd. It has one user, so it needs no lock.
type epoll struct {
	fd     int
	events [128]unix.EpollEvent
	time   unix.Timespec // of the running wait
	coarse bool          // the kernel knows whole milliseconds only
	parked *parked       // nil = a wait occupies the thread
}

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &epoll{fd: fd}, nil
}

// add registers fd for the events; the kind of thing it is comes back with
// them. What is left of a removal that the kernel has refused is replaced.
func (e *epoll) add(fd int, events uint32, k kind) error {
	err := e.ctl(unix.EPOLL_CTL_ADD, fd, events, k)
	if errors.Is(err, unix.EEXIST) {
		return e.modify(fd, events, k)
	}
	return err
}

func (e *epoll) modify(fd int, events uint32, k kind) error {
	return e.ctl(unix.EPOLL_CTL_MOD, fd, events, k)
}

// remove must come before the descriptor is closed. A socket that workers hold
// too lives on after a close here, and so would its registration: it would wake
// us for ever, and could not be removed any more.
func (e *epoll) remove(fd int) error { return e.ctl(unix.EPOLL_CTL_DEL, fd, 0, 0) }

func (e *epoll) ctl(op, fd int, events uint32, k kind) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: int32(k)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(e.fd, op, fd, &ev))
}

// wait returns when something is ready or the time is over; negative = for as
// long as it takes. The events are valid until the next wait. A lively loop, to which
// now is the clock, makes a short wait first.
func (e *epoll) wait(timeout time.Duration, lively bool, now func() policy.Instant) ([]unix.EpollEvent, error) {
	if timeout == 0 {
		return e.look()
	}
	if lively {
		began, short := now(), shortWait
		if timeout > 0 {
			short = min(short, timeout)
		}
		if found := e.waitShort(short); len(found) > 0 {
			return found, nil
		}
		if timeout > 0 {
			if timeout -= now() - began; timeout <= 0 { // a signal ends a wait early
				return nil, nil
			}
		}
	}
	if e.parked != nil {
		if found, err := e.park(timeout, now); !errors.Is(err, errNotParked) {
			return found, err
		}
	}
	return e.found(e.pwait(timeout, unix.Syscall6))
}

// look returns what is ready now.
func (e *epoll) look() ([]unix.EpollEvent, error) { return e.found(e.pwait(0, unix.RawSyscall6)) }

func (e *epoll) found(n int, err error) ([]unix.EpollEvent, error) {
	if errors.Is(err, unix.EINTR) {
		return nil, nil
	}
	if err != nil {
		return nil, os.NewSyscallError("epoll_pwait2", err)
	}
	for i := range n {
		if kind(e.events[i].Pad) == kindTimer {
			e.parked.armed = 0
		}
	}
	return e.events[:n], nil
}

// milliseconds rounds up, so that a deadline is over when it wakes us.
func milliseconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	const most = 1 << 30
	return int(min((d+time.Millisecond-1)/time.Millisecond, most))
}

func (e *epoll) close() error {
	if e.parked != nil {
		return e.parked.close()
	}
	return unix.Close(e.fd)
}

// wakeEvent is an eventfd by which another goroutine wakes the loop.
type wakeEvent struct{ fd int }

func newWakeEvent() (wakeEvent, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return wakeEvent{fd}, os.NewSyscallError("eventfd", err)
}

// wake may be called from any goroutine. A full counter (EAGAIN) has woken it
// already.
func (w wakeEvent) wake() {
	one := [8]byte{1}
	_, _ = nowait.Write(w.fd, one[:])
}

func (w wakeEvent) clear() {
	var n [8]byte
	_, _ = nowait.Read(w.fd, n[:])
}
