package worker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
)

func init() {
	roles["http"] = func() error {
		return HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%d %s %s", os.Getpid(), r.URL.Path, body)
		}))
	}
	roles["hijack"] = func() error {
		return HTTPServer(context.Background(), &http.Server{Handler: http.HandlerFunc(hijack)})
	}
}

// hijack takes a connection from http.Server and serves it in another
// goroutine, as WebSocket handlers may.
func hijack(w http.ResponseWriter, _ *http.Request) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	go func() {
		echo(c)
		c.Close()
	}()
}

// ask sends the head of a request and leaves the connection open.
func ask(s supervisor, head string) net.Conn {
	s.T.Helper()
	c := s.Dial()
	fmt.Fprint(c, head)
	return c
}

func answer(t *testing.T, c net.Conn) string {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("read response: %v", err)
	}
	defer r.Body.Close()
	if !r.Close {
		t.Error("the response keeps the connection, want Connection: close")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("read body: %v", err)
	}
	return string(body)
}

func TestHTTPOneConnectionAtATime(t *testing.T) {
	s := supervise(t, syscall.SOCK_NONBLOCK)
	p := s.start("http")
	s.Expect("READY=1")
	first := ask(s, "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
	s.Expect("X_AVAILD=busy")
	second := ask(s, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
	fmt.Fprint(first, "ab")
	if got, want := answer(t, first), fmt.Sprintf("%d /1 ab", p.Pid); got != want {
		t.Errorf("first answer %q, want %q", got, want)
	}
	// Had the second been accepted before the end of the first, busy would
	// have come before idle.
	s.Expect("X_AVAILD=idle", "X_AVAILD=busy")
	if got, want := answer(t, second), fmt.Sprintf("%d /2 ", p.Pid); got != want {
		t.Errorf("second answer %q, want %q", got, want)
	}
	s.Expect("X_AVAILD=idle")
	first.Close()
	second.Close()
	s.Signal(p, syscall.SIGTERM)
	s.Exited(p)
}

func TestHTTPToldToLeaveWhileBusy(t *testing.T) {
	s := supervise(t, syscall.SOCK_NONBLOCK)
	p := s.start("http")
	c := ask(s, "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
	defer c.Close()
	s.Expect("READY=1", "X_AVAILD=busy")
	s.Signal(p, syscall.SIGTERM)
	s.Expect("STOPPING=1")
	fmt.Fprint(c, "ok")
	if got, want := answer(t, c), fmt.Sprintf("%d /slow ok", p.Pid); got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
	s.Expect("X_AVAILD=idle")
	s.Exited(p)
}

func TestHTTPHoldsHijackedConnections(t *testing.T) {
	s := supervise(t, syscall.SOCK_NONBLOCK)
	p := s.start("hijack")
	c := ask(s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	defer c.Close()
	greeting(t, c)
	s.Expect("READY=1", "X_AVAILD=busy")
	s.Signal(p, syscall.SIGTERM)
	s.Expect("STOPPING=1")
	finish(t, c)
	s.Expect("X_AVAILD=idle")
	s.Exited(p)
}
