package worker

import (
	"os"
	"sync"
	"syscall"
)

// A waiter waits for the first of several listening sockets to have a
// connection, or for the end.
//
// It has an epoll set of its own instead of the runtime's, which takes only
// non-blocking descriptors. EPOLLEXCLUSIVE (Linux 4.5) would wake one worker
// instead of all, but a worker that is woken and leaves without accepting
// takes the only wake-up along, and the connection waits although others idle.
type waiter struct {
	epoll int
	read  int // of a pipe nobody writes to: in the set, readable once write is closed
	write int
	once  sync.Once
	doneC chan struct{}
}

func newWaiter(sockets ...int) (*waiter, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
		syscall.Close(epoll)
		return nil, os.NewSyscallError("pipe2", err)
	}
	w := &waiter{epoll: epoll, read: pipe[0], write: pipe[1], doneC: make(chan struct{})}
	for _, fd := range append(sockets, w.read) {
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
		if err := syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
			w.end()
			w.close()
			return nil, os.NewSyscallError("epoll_ctl", err)
		}
	}
	return w, nil
}

// wait returns a socket that has a connection, or -1 after end. The end goes
// before connections: they stay in the queue for the other workers. Sockets
// that are ready all the time take turns, as epoll moves the one it has
// reported to the end of its list.
func (w *waiter) wait() (int, error) {
	var events [1]syscall.EpollEvent
	err := eintr(func() (err error) {
		_, err = syscall.EpollWait(w.epoll, events[:], -1)
		return err
	})
	if err != nil {
		return -1, os.NewSyscallError("epoll_wait", err)
	}
	if w.ended() {
		return -1, nil
	}
	return int(events[0].Fd), nil
}

// ended reports whether end was called. The set cannot tell for sure: of
// several that are ready it names one.
func (w *waiter) ended() bool {
	select {
	case <-w.doneC:
		return true
	default:
		return false
	}
}

// end makes wait return -1, now and from now on. It may be called from any
// goroutine and more than once.
func (w *waiter) end() {
	w.once.Do(func() {
		close(w.doneC) // this first: whoever wakes up looks at it
		syscall.Close(w.write)
	})
}

// close gives up the descriptors; end must have been called, and nobody may be
// in wait. The sockets are not the waiter's and stay open.
func (w *waiter) close() {
	syscall.Close(w.epoll)
	syscall.Close(w.read)
}
