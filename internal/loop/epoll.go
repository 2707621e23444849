package loop

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// epoll is the only epoll set of availd. It has one user, so it needs no lock.
type epoll struct {
	fd     int
	events [128]unix.EpollEvent
}

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &epoll{fd: fd}, nil
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
// long as it takes. The events are valid until the next wait. A lively loop dozes
// first.
func (e *epoll) wait(timeout time.Duration, lively bool) ([]unix.EpollEvent, error) {
	if lively && (timeout < 0 || timeout > dozeFor) {
		if found := e.doze(dozeFor); len(found) > 0 {
			return found, nil
		}
		timeout -= dozeFor // what is negative stays so
	}
	n, err := unix.EpollWait(e.fd, e.events[:], milliseconds(timeout))
	if errors.Is(err, unix.EINTR) {
		return nil, nil
	}
	if err != nil {
		return nil, os.NewSyscallError("epoll_wait", err)
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

func (e *epoll) close() error { return unix.Close(e.fd) }

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
