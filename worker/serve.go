package worker

import (
	"context"
	"errors"
	"net"
)

// Serve is the life of a worker: it takes the sockets of the process (see
// [Listeners]), says that it is ready, and calls handle with one connection
// after another. It reports busy when a connection is accepted and idle when
// handle has returned and the connection is closed, which Serve does.
//
// It returns nil after SIGTERM or the end of ctx: at once when idle, after
// handle when busy. Nothing interrupts handle; one that waits for a client
// sets deadlines, or that client keeps the process for itself. The process
// should end when Serve returns, with status 0 for nil and another otherwise:
// its sockets are closed, and SIGTERM, once it has come, stays caught.
//
// handle runs on the calling goroutine. A panic in it ends the process, as in
// any program; the client is disconnected and availd starts another worker.
func Serve(ctx context.Context, handle func(net.Conn)) error {
	g, err := openGate(ctx)
	if err != nil {
		return err
	}
	defer g.close()
	Ready()
	for {
		conn, err := g.next()
		if errors.Is(err, errRetired) {
			return nil
		}
		if err != nil {
			return err
		}
		handle(conn)
		conn.Close()
		g.idle()
	}
}
