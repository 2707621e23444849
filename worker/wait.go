package worker

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// A waiter waits for the first of several listening sockets to have a
// connection, or for the end.
//
// It has an epoll set of its own instead of the runtime's, for two reasons. The
// runtime's takes only non-blocking descriptors. And every process that waits for
// a shared socket is woken by each connection, of which one gets it and the others
// have computed for nothing: with 1,000 idle workers a request costs the machine
// twenty times what it costs with one. With EPOLLEXCLUSIVE (Linux 4.5) the kernel
// wakes one of them.
//
// The one that it wakes is the first in the socket's line of those who wait, which is
// who joined it first: in a service with few requests always the oldest worker, while
// a new version that is being tested is never asked. So whoever comes back to wait
// goes to the end of the line, but not after each connection ([waiter.turn]).
//
// Who was woken must accept. If it left instead, the only wake-up would be gone and
// the connection would wait although others idle. So the end takes the sockets out of
// the set first, after which the kernel wakes somebody else, and whoever was in wait
// at that moment looks once more for a connection that it may have been woken for.
type waiter struct {
	epoll   int
	sockets []int
	read    int // of a pipe nobody writes to: in the set, readable once write is closed
	write   int
	doneC   chan struct{}

	mu    sync.Mutex // guards taken, and the set against end
	taken time.Time  // the first connection since the sockets were put at the end of their lines; zero = none
}

// turnLeast is the time from the first connection to the turn. A worker whose turn has come
// after a thousand others finds nothing of its own in the processor's caches, and pays for its
// first request two to three times as much as for those that follow: with a turn after each
// request that was 2.6 times what it costs with one worker. The shorter it is, the sooner a
// new version is asked: in a pool of 100 after two seconds at the latest.
const turnLeast = 20 * time.Millisecond

// epollExclusive is EPOLLEXCLUSIVE of epoll_ctl(2), which package syscall lacks.
const epollExclusive = 1 << 28

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
	w := &waiter{epoll: epoll, sockets: sockets, read: pipe[0], write: pipe[1], doneC: make(chan struct{})}
	if err = w.add(w.read, syscall.EPOLLIN); err == nil {
		err = w.join()
	}
	if err != nil {
		w.end()
		w.close()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return w, nil
}

// join puts the sockets into the set: at the end of the line of each.
func (w *waiter) join() error {
	w.taken = time.Time{}
	for _, fd := range w.sockets {
		if err := w.add(fd, syscall.EPOLLIN|epollExclusive); err != nil {
			return err
		}
	}
	return nil
}

// turn goes to the end of the sockets' lines, unless this worker is the first in line since a
// moment ago. A connection that arrives in between is seen when the socket is added again.
func (w *waiter) turn() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended() || w.taken.IsZero() || time.Since(w.taken) < turnLeast {
		return nil
	}
	w.leave()
	return w.join()
}

// leave takes the sockets out of the set.
func (w *waiter) leave() {
	for _, fd := range w.sockets {
		_ = syscall.EpollCtl(w.epoll, syscall.EPOLL_CTL_DEL, fd, nil)
	}
}

// add puts fd into the set. A kernel that does not know EPOLLEXCLUSIVE ignores it.
func (w *waiter) add(fd int, events uint32) error {
	event := syscall.EpollEvent{Events: events, Fd: int32(fd)}
	return syscall.EpollCtl(w.epoll, syscall.EPOLL_CTL_ADD, fd, &event)
}

// wait returns a socket that has a connection, or -1 after end. Whoever is inside
// when the end comes gets a socket once more if one has a connection. Sockets
// that are ready all the time take turns, as epoll moves the one it has
// reported to the end of its list.
func (w *waiter) wait() (int, error) {
	if w.ended() {
		return -1, nil
	}
	if err := w.turn(); err != nil {
		return -1, os.NewSyscallError("epoll_ctl", err)
	}
	var events [1]syscall.EpollEvent
	err := eintr(func() (err error) {
		_, err = syscall.EpollWait(w.epoll, events[:], -1)
		return err
	})
	if err != nil {
		return -1, os.NewSyscallError("epoll_wait", err)
	}
	if w.ended() {
		return w.lastLook(), nil
	}
	w.took()
	return int(events[0].Fd), nil
}

// took books that this worker was woken for a connection.
func (w *waiter) took() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken.IsZero() {
		w.taken = time.Now()
	}
}

// lastLook returns a socket that has a connection now, or -1. It looks into a set of
// its own: what is left of the waiter's no longer has the sockets in it.
func (w *waiter) lastLook() int {
	set, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return -1
	}
	defer syscall.Close(set)
	for _, fd := range w.sockets {
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
		_ = syscall.EpollCtl(set, syscall.EPOLL_CTL_ADD, fd, &event)
	}
	var events [1]syscall.EpollEvent
	n := 0
	_ = eintr(func() (err error) { n, err = syscall.EpollWait(set, events[:], 0); return err })
	if n < 1 {
		return -1
	}
	return int(events[0].Fd)
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

// end makes wait return -1, from now on and after a last look of those that are
// inside. It may be called from any goroutine and more than once.
func (w *waiter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended() {
		return
	}
	close(w.doneC) // this first: whoever wakes up looks at it
	w.leave()
	syscall.Close(w.write)
}

// close gives up the descriptors; end must have been called, and nobody may be
// in wait. The sockets are not the waiter's and stay open.
func (w *waiter) close() {
	syscall.Close(w.epoll)
	syscall.Close(w.read)
}
