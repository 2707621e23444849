package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
	l, err := listener(path)
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

// TestNoWholeAnswer: an availd that ends, or is upgraded, while somebody waits for its answer
// has perhaps done what was asked. That is told from a refusal.
func TestNoWholeAnswer(t *testing.T) {
	for name, said := range map[string]string{
		"none": "", "no body": "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n",
		"a part of the body": "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"replaced\":",
	} {
		t.Run(name, func(t *testing.T) {
			c := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = conn.Write([]byte(said))
				_ = conn.Close()
			})
			if _, err := c.Reload(t.Context()); !errors.Is(err, ErrEnded) {
				t.Errorf("reload: %v, want ErrEnded", err)
			}
			if _, err := c.Set(t.Context(), "limit=3\n"); !errors.Is(err, ErrEnded) {
				t.Errorf("set: %v, want ErrEnded", err)
			}
		})
	}
}

// TestUpgradeWaitsForTheNewImage: the old one may answer for a while.
func TestUpgradeWaitsForTheNewImage(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	path := filepath.Join(t.TempDir(), "control")
	l, err := listener(path)
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
		{"POST /reload HTTP/1.1\r\nOrigin: http://elsewhere\r\nX: x", true, 403},
		{"POST /reload HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\nX: x", true, 403},
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
