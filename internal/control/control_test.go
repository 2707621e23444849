package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/status"
)

// fixed answers with s, and reloads three workers.
func fixed(s status.Service) Service {
	return Service{
		Status: func(context.Context) (status.Service, error) { return s, nil },
		Reload: func(context.Context) (int, error) { return 3, nil },
	}
}

// serving listens and serves until the test ends, and returns the path.
func serving(t *testing.T, s Service, mayChange bool, patience time.Duration) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "control")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(s)
	server.patience = patience
	serve := server.ServeStatus
	if mayChange {
		serve = server.ServeControl
	}
	running(t, l, serve)
	return path
}

// running serves on l until the test ends.
func running(t *testing.T, l net.Listener, serve func(net.Listener)) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); serve(l) }()
	t.Cleanup(func() { _ = l.Close(); <-done })
}

func dial(t *testing.T, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// ask sends a request; its answer may come later.
func ask(t *testing.T, c net.Conn, request string) {
	t.Helper()
	if _, err := io.WriteString(c, request+" HTTP/1.1\r\nHost: availd\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

// answered reads the answer's status code.
func answered(t *testing.T, c net.Conn) int {
	t.Helper()
	resp := answerOf(t, c)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// answerOf reads the head of an answer; the body is to be read from it.
func answerOf(t *testing.T, c net.Conn) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(reader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func reader(c net.Conn) *bufio.Reader {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	return bufio.NewReader(c)
}

func TestStatusAndReload(t *testing.T) {
	client := Client{serving(t, fixed(status.Service{Name: "web", Limit: 4}), true, patience)}
	s, err := client.Status(t.Context())
	if err != nil || s.Name != "web" || s.Limit != 4 {
		t.Errorf("Status: %+v, error %v", s, err)
	}
	n, err := client.Reload(t.Context())
	if err != nil || n != 3 {
		t.Errorf("Reload: %d, error %v", n, err)
	}
}

func TestErrorsReachTheClient(t *testing.T) {
	client := Client{serving(t, Service{
		Status: func(context.Context) (status.Service, error) { return status.Service{}, errors.New("no time") },
		Reload: func(context.Context) (int, error) { return 0, errors.New("web.conf:3: what?") },
	}, true, patience)}
	if _, err := client.Status(t.Context()); err == nil || err.Error() != "503 Service Unavailable: no time" {
		t.Errorf("Status: error %v", err)
	}
	if _, err := client.Reload(t.Context()); err == nil || err.Error() != "web.conf:3: what?" {
		t.Errorf("Reload: error %v", err)
	}
	client = Client{serving(t, Service{
		Status:  fixed(status.Service{}).Status,
		Upgrade: func(context.Context) error { return errors.New("/usr/bin/availd: what?") },
	}, true, patience)}
	if _, err := client.Upgrade(t.Context()); err == nil || err.Error() != "/usr/bin/availd: what?" {
		t.Errorf("Upgrade: error %v", err)
	}
}

// TestUpgradeWaitsForTheNewImage: the old one may answer for a while.
func TestUpgradeWaitsForTheNewImage(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	path := filepath.Join(t.TempDir(), "control")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		image, version := "old", "1"
		if asked > 4 {
			image, version = "new", "2"
		}
		w.Header().Set(imageHeader, image)
		if r.URL.Path == "/upgrade" {
			panic(http.ErrAbortHandler) // as when the process is replaced meanwhile
		}
		_ = json.NewEncoder(w).Encode(status.Service{Version: version})
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if s, err := (Client{path}).Upgrade(ctx); err != nil || s.Version != "2" {
		t.Errorf("Upgrade: %+v, error %v", s, err)
	}
}

// TestRequests: what is no request of ours gets an HTTP status, and changes
// nothing.
func TestRequests(t *testing.T) {
	for _, c := range []struct {
		request   string
		mayChange bool
		want      int
	}{
		{"GET /status", false, 200},
		{"HEAD /status", false, 200},
		{"POST /status", true, 405},
		{"GET /reload", true, 405},
		{"POST /reload", true, 200},
		{"POST /reload", false, 404},
		{"GET /upgrade", true, 405},
		{"POST /upgrade", false, 404},
		{"GET /", true, 404},
		{"GET /status/../../etc/passwd", true, 404},
		{"GET /metrics", false, 200},
		{"POST /metrics", true, 405},
		{"DELETE /reload", true, 405},
		{"HEAD /reload", true, 405},
		{"GET http://elsewhere/status", false, 200},
		{"CONNECT availd:80", true, 404},
		{"nonsense", true, 400},
		{"GET /" + strings.Repeat("x", 64<<10), true, 431},
	} {
		reloads := 0
		s := fixed(status.Service{})
		s.Reload = func(context.Context) (int, error) { reloads++; return 0, nil }
		conn := dial(t, serving(t, s, c.mayChange, patience))
		_, _ = io.WriteString(conn, c.request+" HTTP/1.1\r\nHost: availd\r\nConnection: close\r\n\r\n") // 431 may come before the end
		if got := answered(t, conn); got != c.want {
			t.Errorf("%.40s, changes allowed %v: %d, want %d", c.request, c.mayChange, got, c.want)
		}
		if allowed := c.mayChange && c.request == "POST /reload"; allowed != (reloads == 1) {
			t.Errorf("%.40s, changes allowed %v: %d reloads", c.request, c.mayChange, reloads)
		}
	}
}

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

// TestLongReload: a roll-out may last longer than a peer may hesitate.
func TestLongReload(t *testing.T) {
	const brief = 50 * time.Millisecond
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
