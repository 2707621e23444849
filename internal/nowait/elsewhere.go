package nowait

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// How long close(2) of a descriptor that somebody else chose takes, he decides: a file
// system in user space may never answer the FLUSH (fuse(4)), a TCP socket lingers until
// its peer has answered (SO_LINGER of socket(7)), and the memory of a large memfd takes
// seconds to free. So such a descriptor is closed by another thread.

const (
	// maxElsewhere is how many threads may be held up by that at once: fewer than there
	// are places in [Blocking], so that whoever hangs one does not hang all.
	maxElsewhere = 1
	// maxWaiting is how many descriptors wait for it. What is more stays open:
	// the process's limit of descriptors bounds that.
	maxWaiting = 4096
)

var elsewhere = elsewhereCloser{queue: make(chan int, maxWaiting)}

type elsewhereCloser struct {
	queue   chan int
	running atomic.Int32
	lost    atomic.Uint64
}

// CloseElsewhere closes a descriptor whose close may wait, in another goroutine, and
// returns at once. It may be called from any goroutine. One thread waits; where
// it does for long and too many descriptors follow, those stay open (see [Unclosed]).
func CloseElsewhere(fd int) { elsewhere.close(fd, unix.Close) }

// Unclosed is how many descriptors were given up, as too many could not be closed.
func Unclosed() uint64 { return elsewhere.lost.Load() }

func (e *elsewhereCloser) close(fd int, closeFD func(int) error) {
	select {
	case e.queue <- fd:
	default:
		e.lost.Add(1)
		return
	}
	e.help(closeFD)
}

// help starts a goroutine for what waits, unless there are enough.
func (e *elsewhereCloser) help(closeFD func(int) error) {
	if e.running.Add(1) > maxElsewhere {
		e.running.Add(-1)
		return
	}
	go e.run(closeFD)
}

// run ends when nothing waits. A descriptor that comes between the last look and the
// end has started a goroutine of its own, or finds that all others are still running.
func (e *elsewhereCloser) run(closeFD func(int) error) {
	for {
		select {
		case fd := <-e.queue:
			Blocking(func() { _ = closeFD(fd) }) // errors are about what others wrote
		default:
			e.running.Add(-1)
			if len(e.queue) > 0 {
				e.help(closeFD)
			}
			return
		}
	}
}
