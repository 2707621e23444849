package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// HeaderTimeout is how long [HTTP] waits for the head of a request. A client
// that connects and stays silent occupies a whole worker.
const HeaderTimeout = 10 * time.Second

// HTTP is [Serve] for net/http: one connection at a time, one request for each.
// It returns nil after SIGTERM, when the request in hand has been answered. Set
// timeouts with [HTTPServer] when 10 s for the head and none for the rest are
// not right.
func HTTP(h http.Handler) error {
	return HTTPServer(context.Background(), &http.Server{Handler: h, ReadHeaderTimeout: HeaderTimeout})
}

// HTTPServer is [HTTP] with a server of the caller's, whose keep-alives it
// turns off: a connection that is kept for a next request would keep the
// worker. The end of ctx is as good as SIGTERM. A hijacked connection counts
// as held until it is closed.
func HTTPServer(ctx context.Context, server *http.Server) error {
	g, err := openGate(ctx)
	if err != nil {
		return err
	}
	defer g.close()
	server.SetKeepAlivesEnabled(false)
	Ready()
	// No Shutdown: the turnstile fails only when no connection is held.
	err = server.Serve(&turnstile{gate: g, freeC: make(chan struct{}, 1)})
	if errors.Is(err, errRetired) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// A turnstile is a gate as a net.Listener. http.Server accepts the next
// connection while a goroutine serves the last: here it waits for its end.
type turnstile struct {
	gate  *gate
	freeC chan struct{} // a value for each connection that has ended
	held  bool          // belongs to the one goroutine in Accept
}

var _ net.Listener = (*turnstile)(nil)

// Accept hides the kind of an error from http.Server, which would try again
// after "too many open files". A worker with one client that runs out of
// descriptors has lost some, and is better replaced.
func (t *turnstile) Accept() (net.Conn, error) {
	if t.held {
		<-t.freeC // this first: the end of the gate comes after the end of the job
		t.held = false
	}
	conn, err := t.gate.next()
	if err != nil {
		return nil, fmt.Errorf("take a connection: %w", err)
	}
	t.held = true
	return &job{Conn: conn, end: func() {
		t.gate.idle()
		t.freeC <- struct{}{}
	}}, nil
}

// Close ends the wait, for the server's own Close and Shutdown. The sockets
// stay open: they belong to the gate, and HTTPServer closes that.
func (t *turnstile) Close() error {
	t.gate.waiter.end()
	return nil
}

// Addr is for http.Server's own messages, which name the listener.
func (t *turnstile) Addr() net.Addr {
	for _, s := range t.gate.sockets {
		return s.addr
	}
	return nil
}

// A job is a connection whose first Close ends it for the turnstile.
type job struct {
	net.Conn
	once sync.Once
	end  func()
}

// Close is called at least once for each connection by http.Server, or by the
// handler that hijacked it.
func (j *job) Close() error {
	err := j.Conn.Close()
	j.once.Do(j.end)
	return err
}

// ReadFrom keeps sendfile(2) for files, which the embedding hides.
func (j *job) ReadFrom(r io.Reader) (int64, error) { return io.Copy(j.Conn, r) }

// CloseWrite lets http.Server end a response before it closes, so that a
// client that still sends does not lose the response to a reset.
func (j *job) CloseWrite() error {
	if c, ok := j.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}
