package control

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/status"
)

// TestPlaces: the connection beyond the bound is not served before one leaves,
// and is not lost.
func TestPlaces(t *testing.T) {
	path := serving(t, fixed(status.Service{}), true, time.Hour)
	var held []net.Conn
	for range maxConns {
		c := dial(t, path)
		ask(t, c, "GET /status")
		if got := answered(t, c); got != 200 {
			t.Fatalf("a connection within the bound gets %d", got)
		}
		held = append(held, c) // kept alive, so it keeps its place
	}
	late := dial(t, path)
	ask(t, late, "GET /status")
	_ = late.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := late.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("connection %d is served: %d bytes, error %v", maxConns+1, n, err)
	}
	_ = held[7].Close()
	if got := answered(t, late); got != 200 {
		t.Errorf("after a place is free: %d", got)
	}
	for _, c := range held {
		_ = c.Close()
	}
	_ = late.Close()
}

// TestSlowReader: one that does not read its answer keeps nobody waiting, and
// loses the connection.
func TestSlowReader(t *testing.T) {
	huge := status.Service{Workers: make([]status.Worker, 1<<13)} // more than the kernel buffers
	path := serving(t, fixed(huge), true, 2*time.Second)
	slow := dial(t, path)
	ask(t, slow, "GET /status")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 3 {
		if _, err := (Client{path}).Status(ctx); err != nil {
			t.Errorf("beside a slow reader: %v", err)
		}
	}
	// The server has closed, or will: reading ends before the whole answer.
	waitClosed(t, slow)
	resp, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("the slow reader got the whole answer, %d bytes", n)
	}
}

// waitClosed waits until the peer of c has closed, without reading.
func waitClosed(t *testing.T, c net.Conn) {
	t.Helper()
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd)}} // POLLHUP needs no asking
		for {
			n, err := unix.Poll(fds, 10_000)
			if err == unix.EINTR {
				continue
			}
			if err != nil || n != 1 {
				t.Errorf("the peer has not closed: error %v", err)
			}
			return
		}
	})
}

func TestSilentPeerIsLeft(t *testing.T) {
	for _, says := range []string{"", "GET /status HTTP/1.1\r\nHost: "} {
		c := dial(t, serving(t, fixed(status.Service{}), true, 100*time.Millisecond))
		_, _ = io.WriteString(c, says)
		waitClosed(t, c)
	}
}

// TestLongReload: a rolling restart may last longer than a peer may hesitate.
func TestLongReload(t *testing.T) {
	const brief = 300 * time.Millisecond
	path := serving(t, Service{
		Reload: func(ctx context.Context) (int, error) {
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-time.After(6 * brief):
				return 5, nil
			}
		},
	}, true, brief)
	if n, err := (Client{path}).Reload(t.Context()); err != nil || n != 5 {
		t.Errorf("Reload: %d, error %v", n, err)
	}
}

// TestReloadWithoutClient: whoever asked and left does not keep a place.
func TestReloadWithoutClient(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	path := serving(t, Service{
		Reload: func(ctx context.Context) (int, error) {
			close(began)
			<-ctx.Done()
			ended <- ctx.Err()
			return 0, ctx.Err()
		},
	}, true, patience)
	c := dial(t, path)
	ask(t, c, "POST /reload")
	<-began
	_ = c.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the request goes on without its client")
	}
}
