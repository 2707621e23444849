package worker

import (
	"context"
	"errors"
	"net"
	"os/signal"
	"syscall"
)

// errRetired says that the worker was told to retire.
var errRetired = errors.New("told to retire")

// A gate lets in one connection after another, from all sockets of the
// process, until the worker is told to retire.
//
// Why no connection is lost: one goroutine decides and accepts. A signal does
// not interrupt it, it only makes the next wait end. Either the goroutine has
// called accept, then it serves what it got before it looks again; or it has
// not, then the connection is still in the shared queue.
type gate struct {
	sockets map[int]*socket
	waiter  *waiter
	board   *Board // nil: availability is reported
	disarm  func()
}

// openGate takes the inherited sockets and, from then on, the retire signal.
// On error nothing has been taken.
func openGate(ctx context.Context) (*gate, error) {
	sockets, err := inherit()
	if err != nil {
		return nil, err
	}
	fds := make([]int, len(sockets))
	g := &gate{sockets: make(map[int]*socket, len(sockets))}
	for i, s := range sockets {
		fds[i] = s.fd
		g.sockets[s.fd] = s
	}
	if g.waiter, err = newWaiter(fds...); err != nil {
		return nil, err
	}
	forget(sockets)
	// Without a board, or with one of a later version, datagrams do.
	g.board, _ = JoinBoard()
	g.arm(ctx)
	return g, nil
}

// busy and idle tell availd, one way or the other. A connection was just accepted.
func (g *gate) busy(fd int) {
	if g.board == nil {
		Busy()
		return
	}
	g.board.Take()
	if wait, known := queueWait(fd); known {
		g.board.Waited(wait)
	}
}

func (g *gate) idle() {
	switch {
	case g.board == nil:
		Idle()
	case g.waiter.ended():
		g.board.finish()
	default:
		g.board.Free()
	}
}

// arm makes SIGTERM and the end of ctx end the wait. Stopping is said at once,
// also by a worker that is busy: whoever sent the signal, availd must not
// count on this process once its job is done.
func (g *gate) arm(ctx context.Context) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	release := context.AfterFunc(ctx, func() {
		g.waiter.end()
		Stopping()
	})
	g.disarm = func() {
		if release() {
			stop()
		}
	}
}

// next returns the next connection, reported as busy the moment it is
// accepted, or errRetired.
func (g *gate) next() (net.Conn, error) {
	for {
		ready, err := g.waiter.wait()
		if err != nil {
			return nil, err
		}
		if ready < 0 {
			return nil, errRetired
		}
		s := g.sockets[ready]
		fd, err := s.accept()
		if err != nil {
			return nil, err
		}
		if fd >= 0 {
			g.busy(fd)
			return s.connection(fd)
		}
	}
}

// close lets go of everything that openGate took, but for the signal when it
// has come: a second SIGTERM must not kill a process that is on its way to a
// good end.
func (g *gate) close() {
	g.disarm()
	g.waiter.end()
	g.waiter.close()
	for _, s := range g.sockets {
		s.close()
	}
	if g.board != nil {
		_ = g.board.Close()
	}
}
