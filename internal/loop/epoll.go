package loop

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// epoll is the only epoll set of availd's own. It has one user, so it needs no lock.
type epoll struct {
	fd     int
	events [128]unix.EpollEvent
	parking
}

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	e := &epoll{fd: fd}
	if err := e.parking.open(e); err != nil {
		return nil, err
	}
	return e, nil
}

// add registers fd for the events; the kind of thing it is comes back with
// them.
func (e *epoll) add(fd int, events uint32, k kind) error {
	return e.ctl(unix.EPOLL_CTL_ADD, fd, events, k)
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

// wait blocks until something is ready or the time is over; negative = for as
// long as it takes. The events are valid until the next wait, and one of them may be
// the timer's.
func (e *epoll) wait(timeout time.Duration) ([]unix.EpollEvent, error) {
	e.asleep = false
	if timeout == 0 {
		return e.peek()
	}
	return e.park(timeout)
}

// peek is what is ready now.
func (e *epoll) peek() ([]unix.EpollEvent, error) {
	n, err := nowait.EpollWait(e.fd, e.events[:])
	if err != nil {
		return nil, os.NewSyscallError("epoll_wait", err)
	}
	return e.events[:n], nil
}

// bell is an eventfd by which another goroutine wakes the loop.
type bell struct{ fd int }

func newBell() (bell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return bell{fd}, os.NewSyscallError("eventfd", err)
}

// ring may be called from any goroutine. A full counter (EAGAIN) has rung
// already.
func (b bell) ring() {
	one := [8]byte{1}
	_, _ = nowait.Write(b.fd, one[:])
}

func (b bell) hush() {
	var n [8]byte
	_, _ = nowait.Read(b.fd, n[:])
}
