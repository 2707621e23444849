package worker

import (
	"errors"
	"syscall"
)

// eintr calls f until a signal is not what ended it. The Go runtime interrupts
// its own threads with signals to preempt them, and although its handlers ask
// for restarts, epoll_wait(2) and calls on a socket with a timeout are never
// restarted (signal(7)).
func eintr(f func() error) error {
	for {
		if err := f(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
