package control

import (
	"errors"
	"net"
	"sync"
	"time"
)

// limitListener accepts only while there is a place; the rest waits in the
// kernel.
type limitListener struct {
	net.Listener
	places chan struct{}
}

func limited(l net.Listener) net.Listener {
	return &limitListener{Listener: l, places: make(chan struct{}, maxConns)}
}

func (l *limitListener) Accept() (net.Conn, error) {
	l.places <- struct{}{}
	for {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
			return &limitConn{Conn: calm(c), leave: sync.OnceFunc(func() { <-l.places })}, nil
		case errors.Is(err, net.ErrClosed):
			<-l.places
			return nil, err
		}
		// Something of the system is wanting, descriptors most likely, of which
		// starts complain. It comes back, and until then the peer waits.
		time.Sleep(acceptPause)
	}
}

// acceptPause is the wait after a connection could not be accepted.
const acceptPause = 100 * time.Millisecond

type limitConn struct {
	net.Conn
	leave func()
}

func (c *limitConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite is for net/http too: it closes that way when the peer may still be
// sending, so that the answer is not lost to a reset.
func (c *limitConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
