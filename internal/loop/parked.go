package loop

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// This file has the loop wait as a goroutine waits.
//
// A wait that occupies its thread is either announced to Go's scheduler or not. If it is,
// the scheduler's monitor thread wakes and looks every 20 µs whether the thread is to be
// replaced, for some 10 ms: a few hundred microseconds of processor time for each event
// of a service with 20 requests a second. If it is not, the monitor never sleeps. So the
// epoll set is in the set of Go's poller, and the loop's goroutine is parked until
// something in it is ready; meanwhile the whole process waits in one system call of one
// thread. The time of the next deadline is that of a timer descriptor in the loop's own
// set, as a timer of Go's would wake the monitor thread, too.

// parked is what an epoll set needs for that.
type parked struct {
	file  *os.File // of the set, which it owns
	raw   syscall.RawConn
	look  func(uintptr) bool // made once, as it would be allocated for each wait
	n     int                // what it has found
	err   error
	timer int            // a timerfd in the set
	armed policy.Instant // when the timer ends a wait; 0 = it does not
}

// errNotParked says that the poller did not wait.
var errNotParked = errors.New("the poller does not take the set")

// newParked puts a set into Go's poller. On error the set is as before.
func newParked(e *epoll) (*parked, error) {
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	// Nobody reads it: its end is told once, and it is set anew before it has another.
	if err := e.add(timer, unix.EPOLLIN|unix.EPOLLET, kindTimer); err != nil {
		_ = unix.Close(timer)
		return nil, err
	}
	if err := unix.SetNonblock(e.fd, true); err != nil { // else os.NewFile leaves it alone
		_ = e.remove(timer)
		_ = unix.Close(timer)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &parked{file: os.NewFile(uintptr(e.fd), "epoll"), timer: timer}
	p.look = func(uintptr) bool {
		p.n, p.err = e.pwait(0, unix.RawSyscall6)
		return p.n > 0 || p.err != nil && !errors.Is(p.err, unix.EINTR)
	}
	p.raw, err = p.file.SyscallConn()
	return p, err
}

func (p *parked) close() error {
	return errors.Join(os.NewSyscallError("close", unix.Close(p.timer)), p.file.Close())
}

// park is wait by way of the poller. What the poller has noticed before counts as
// nothing, so the set is looked at before each wait.
func (e *epoll) park(timeout time.Duration, now func() policy.Instant) ([]unix.EpollEvent, error) {
	p := e.parked
	if err := p.arm(timeout, now()); err != nil {
		return nil, errNotParked
	}
	if p.raw.Read(p.look) != nil {
		return nil, errNotParked
	}
	return e.found(p.n, p.err)
}

// arm has the timer end the wait; negative = it is not to. One that ends sooner is left
// as it is: then there is a turn too many, and none of it where deadlines come one after
// the other, as is usual.
func (p *parked) arm(timeout time.Duration, now policy.Instant) error {
	if timeout < 0 || p.armed > 0 && p.armed <= now+timeout {
		return nil
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(timeout, 1)))}
	if err := unix.TimerfdSettime(p.timer, 0, &spec, nil); err != nil {
		return os.NewSyscallError("timerfd_settime", err)
	}
	p.armed = now + timeout
	return nil
}
