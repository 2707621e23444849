package notify

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// maxQueue bounds what waits. A manager that is away for long (daemon-reexec)
// misses a few seconds of starts and deaths, some hundreds of messages.
const maxQueue = 8192

// maxFDs is the most one message can carry: SCM_MAX_FD, unix(7).
const maxFDs = 253

// ErrFull says that too much waits already. The new message is dropped, never
// one that was taken before.
var ErrFull = errors.New("notify: too many messages wait")

// message is one that waits, with descriptors of its own.
type message struct {
	state string
	fds   []int
}

func (m message) release() {
	for _, fd := range m.fds {
		_ = unix.Close(fd)
	}
}

// Send sends state: one or more NAME=value lines of sd_notify(3), STATUS=
// last (see [ErrInvalid]). It never blocks; what cannot go yet is queued, and
// messages never overtake each other, except that a queued Status goes last.
// A message equal to the newest in the queue is not queued twice.
func (n *Notifier) Send(state string) error { return n.SendFDs(state) }

// SendFDs is Send with descriptors, for FDSTORE=1. The caller keeps fds and
// may close them at once: a message that must wait takes duplicates, which
// count against RLIMIT_NOFILE until they are sent. On error nothing was
// queued.
func (n *Notifier) SendFDs(state string, fds ...int) error {
	if n == nil {
		return nil
	}
	said, err := check(state)
	if err != nil {
		return err
	}
	if len(fds) > maxFDs {
		return fmt.Errorf("%w: %d descriptors in one message", ErrInvalid, len(fds))
	}
	if len(n.queue) > 0 {
		if err := n.enqueue(state, fds); err != nil {
			return err
		}
		n.supersede(said)
		return n.Flush()
	}
	err = n.transmit(state, fds)
	if later(err) {
		err = n.enqueue(state, fds)
	}
	if err != nil {
		return fmt.Errorf("notify service manager: %w", err)
	}
	n.supersede(said)
	return nil
}

// supersede forgets a waiting status text when a newer one was said.
func (n *Notifier) supersede(said names) {
	if said.has("STATUS") {
		n.status = nil
	}
}

func (n *Notifier) enqueue(state string, fds []int) error {
	last := len(n.queue) - 1
	if last >= 0 && len(fds) == 0 && len(n.queue[last].fds) == 0 && n.queue[last].state == state {
		return nil
	}
	if len(n.queue) >= maxQueue {
		return ErrFull
	}
	m := message{state: state}
	for _, fd := range fds {
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			m.release()
			return os.NewSyscallError("fcntl", err)
		}
		m.fds = append(m.fds, dup)
	}
	n.queue = append(n.queue, m)
	return nil
}

// Flush sends what waits until the receiver is full. Messages that the
// operating system refuses for good are dropped; the first such error is
// returned, and the rest is sent nevertheless.
func (n *Notifier) Flush() error {
	if n == nil {
		return nil
	}
	var first error
	sent := 0
	for _, m := range n.queue {
		err := n.transmit(m.state, m.fds)
		if later(err) {
			break
		}
		if err != nil && first == nil {
			first = fmt.Errorf("notify service manager: %w", err)
		}
		m.release()
		sent++
	}
	n.drop(sent)
	n.flushStatus()
	return first
}

// drop removes the oldest messages, and their memory once all are gone.
func (n *Notifier) drop(count int) {
	if count == len(n.queue) {
		n.queue = nil
		return
	}
	rest := copy(n.queue, n.queue[count:])
	clear(n.queue[rest:])
	n.queue = n.queue[:rest]
}
