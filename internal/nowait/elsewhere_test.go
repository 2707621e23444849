package nowait

import (
	"errors"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"
)

// TestCloseElsewhere: whoever gives descriptors away never waits, however many cannot
// be closed; the others are closed, and all of them when the hold-up is over.
func TestCloseElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := make(chan struct{})
		e := elsewhereCloser{queue: make(chan int, 8)}
		closed := make(chan int, 1000)
		closeFD := func(fd int) error {
			if fd < 0 {
				<-held
			}
			closed <- fd
			return nil
		}
		for fd := range 100 {
			e.close(fd, closeFD)
			synctest.Wait()
		}
		if n := len(closed); n != 100 || e.lost.Load() != 0 {
			t.Errorf("%d of 100 were closed and %d given up", n, e.lost.Load())
		}
		for range 20 {
			e.close(-1, closeFD)
			synctest.Wait()
		}
		if n := e.running.Load(); n != maxElsewhere {
			t.Errorf("%d goroutines, want %d", n, maxElsewhere)
		}
		if lost := e.lost.Load(); lost != 20-maxElsewhere-8 {
			t.Errorf("%d were given up, want those for which the queue had no room", lost)
		}
		close(held)
		synctest.Wait()
		if len(e.queue) != 0 || e.running.Load() != 0 {
			t.Errorf("%d wait, %d goroutines run", len(e.queue), e.running.Load())
		}
	})
}

// TestCloseElsewhereCloses a real descriptor.
func TestCloseElsewhereCloses(t *testing.T) {
	var p [2]int
	must(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	defer unix.Close(p[0])
	CloseElsewhere(p[1])
	fds := []unix.PollFd{{Fd: int32(p[0])}}
	for {
		n, err := unix.Poll(fds, 30_000)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n != 1 || fds[0].Revents&unix.POLLHUP == 0 {
			t.Errorf("%d, %v, events %#x: it is still open", n, err, fds[0].Revents)
		}
		return
	}
}
