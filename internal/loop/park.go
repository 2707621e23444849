package loop

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// parking is how the loop sleeps: as any goroutine whose descriptor has nothing to
// read, that descriptor being the epoll set, which Go's poller waits for.
//
// A system call that waits would do, but Go's scheduler takes it as a sign of life,
// both when it begins and when it ends, and has its monitor thread look around for
// 10 ms, in which it competes with the newborn worker for the two processors. A
// goroutine that parks lets all of the runtime sleep.
//
// Go's timers are no sign of life, but they have the monitor wake, too; so a deadline
// is a timer of the kernel's in the same set.
type parking struct {
	file  *os.File // of the epoll set, which it owns
	conn  syscall.RawConn
	timer int
	wound bool // it was set, and may go off
	set   *epoll

	look    func(fd uintptr) bool // lookOnce, which is made a value once
	timeout time.Duration
	asleep  bool // it went to sleep in the last wait
	found   []unix.EpollEvent
	err     error
}

// open takes the set over. On error it is closed.
func (p *parking) open(set *epoll) (err error) {
	if err := unix.SetNonblock(set.fd, true); err != nil { // by which NewFile knows that it is for the poller
		_ = unix.Close(set.fd)
		return os.NewSyscallError("fcntl", err)
	}
	p.set, p.timer, p.look = set, -1, p.lookOnce
	p.file = os.NewFile(uintptr(set.fd), "epoll set")
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if err := p.file.SetDeadline(time.Time{}); err != nil { // refused if it is not with the poller
		return fmt.Errorf("wait for an epoll set: %w", err)
	}
	if p.conn, err = p.file.SyscallConn(); err != nil {
		return err
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	return set.add(p.timer, unix.EPOLLIN|unix.EPOLLET, kindTimer)
}

// close closes the set, too.
func (p *parking) close() {
	_ = p.file.Close()
	if p.timer >= 0 {
		_ = unix.Close(p.timer)
	}
}

// park is wait for a time that is long enough to sleep. It may find nothing.
func (p *parking) park(timeout time.Duration) ([]unix.EpollEvent, error) {
	p.timeout = timeout
	if err := p.conn.Read(p.look); err != nil {
		return nil, err
	}
	return p.found, p.err
}

// lookOnce is called before the goroutine parks, and whenever it was woken. The
// poller tells of all that comes after the call began, so nothing is missed.
func (p *parking) lookOnce(uintptr) bool {
	p.found, p.err = p.set.peek()
	if len(p.found) == 0 && p.err == nil && !p.asleep {
		p.asleep = true
		p.err = p.wind()
	}
	return len(p.found) > 0 || p.err != nil
}

// wind sets the timer, or takes back what it was set to. It tells once for each time
// it is wound (EPOLLET), so it need not be read.
func (p *parking) wind() error {
	if p.timeout < 0 && !p.wound {
		return nil
	}
	var spec unix.ItimerSpec
	if p.wound = p.timeout >= 0; p.wound {
		spec.Value = unix.NsecToTimespec(max(1, p.timeout.Nanoseconds())) // 0 would take it back
	}
	return os.NewSyscallError("timerfd_settime", unix.TimerfdSettime(p.timer, 0, &spec, nil))
}

// silence is for how long a loop that always finds something lets the rest of the
// process go without a look at the poller, which those look after who have nothing to
// do.
const silence = 10 * time.Millisecond

// giveSign sees to it that somebody else's descriptors and timers, as the control
// socket's, are looked after while the loop has no time to sleep: the monitor thread
// does it when it was woken.
func (l *Loop) giveSign() {
	if l.epoll.asleep {
		l.rested = l.now
	}
	if l.now-l.rested >= silence {
		l.rested = l.now
		nowait.Announce()
	}
}
