// Package examples tests the example workers: each is built the way its header
// says and run on real sockets.
//
// # Diagnostics
//
// What cannot be built for want of a compiler or interpreter is skipped with
// the reason, unless AVAILD_REQUIRE contains "e2e".
package examples

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/availd/availd/internal/need"
)

// examples are the workers and what makes a command of each.
var examples = []struct {
	name      string
	announces bool // says STOPPING=1 when the signal arrives, though busy
	build     func(*testing.T, string) []string
}{
	{"http-go", true, func(t *testing.T, dir string) []string {
		return build(t, filepath.Join(dir, "worker"), "go", "build", "-o", filepath.Join(dir, "worker"), "./http-go")
	}},
	{"http-python", true, func(t *testing.T, dir string) []string {
		return []string{need.Program(t, "python3"), "http-python/worker.py"}
	}},
	{"http-perl", true, func(t *testing.T, dir string) []string {
		return []string{need.Program(t, "perl"), "http-perl/worker.pl"}
	}},
	{"http-c", false, buildC("http-c")},
	{"http-c-board", false, buildC("http-c-board")},
}

func buildC(name string) func(*testing.T, string) []string {
	return func(t *testing.T, dir string) []string {
		return build(t, filepath.Join(dir, "worker"), "cc", "-std=c99", "-Wall", "-Wextra", "-Werror",
			"-O2", "-static", "-o", filepath.Join(dir, "worker"), name+"/worker.c")
	}
}

func build(t *testing.T, result, program string, args ...string) []string {
	t.Helper()
	out, err := exec.Command(need.Program(t, program), args...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return []string{result}
}

func TestExamples(t *testing.T) {
	for _, example := range examples {
		t.Run(example.name, func(t *testing.T) {
			command := example.build(t, t.TempDir())
			for _, notify := range []string{"", abstract(example.name)} {
				servesAndLeaves(t, supervise(t, notify), command)
			}
			finishesWhatItHolds(t, supervise(t, ""), command, example.announces)
			survivesRudeClients(t, supervise(t, ""), command)
			losesRaces(t, supervise(t, ""), command)
			wantsItsOwnSockets(t, command)
		})
	}
}

func servesAndLeaves(t *testing.T, s *supervisor, command []string) {
	t.Helper()
	p := s.start(command...)
	s.expect("READY=1")
	want := fmt.Sprintf(`{"pid":%d,"generation":7,"stress":true}`+"\n", p.Pid)
	for _, path := range []string{"/", "/sleep?ms=1", "/"} {
		got, err := get(s.address, path)
		if err != nil || got != want {
			t.Errorf("GET %s: %q, %v; want %q", path, got, err, want)
		}
		s.expect("X_AVAILD=busy", "X_AVAILD=idle")
	}
	s.tell(p)
	s.exited(p)
}

// get is a client of its own connection, which the worker must close.
func get(address, path string) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	r, err := client.Get("http://" + address + path)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK || !r.Close {
		return "", fmt.Errorf("%s, closing: %v", r.Status, r.Close)
	}
	body, err := io.ReadAll(r.Body)
	return string(body), err
}

// The head of the request is held back until the worker has been told to
// leave; a second client, who came too late, is served by the next worker.
func finishesWhatItHolds(t *testing.T, s *supervisor, command []string, announces bool) {
	t.Helper()
	p := s.start(command...)
	s.expect("READY=1")
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.expect("X_AVAILD=busy")
	s.tell(p)
	if announces {
		// A signal that is sent has not been noticed yet: until then a worker
		// may well take another connection, and finish that too.
		s.expect("STOPPING=1")
	}
	late, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	for _, held := range []net.Conn{c, late} {
		fmt.Fprint(held, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 OK\r\n") {
		t.Errorf("told to leave while busy, answered %q, %v", got, err)
	}
	s.exited(p)
	go s.drain()
	next := s.start(command...)
	if got, err := io.ReadAll(late); err != nil || !strings.Contains(string(got), fmt.Sprintf(`"pid":%d,`, next.Pid)) {
		t.Errorf("the client who came too late got %q, %v", got, err)
	}
	s.tell(next)
	s.exited(next)
}

// A client that says nothing and one that resets must not end the worker.
func survivesRudeClients(t *testing.T, s *supervisor, command []string) {
	t.Helper()
	p := s.start(command...)
	s.expect("READY=1")
	for _, say := range []string{"", "GET /sleep?ms=1 HTTP/1.1\r\n\r\n"} {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		s.expect("X_AVAILD=busy")
		fmt.Fprint(c, say)
		c.(*net.TCPConn).SetLinger(0) // close sends a reset
		c.Close()
		s.expect("X_AVAILD=idle")
	}
	s.tell(p)
	s.exited(p)
}

// Each connection wakes four idle workers, three of which find nothing. One
// that were stuck in accept after that would not leave when told.
func losesRaces(t *testing.T, s *supervisor, command []string) {
	t.Helper()
	var pool []*os.Process
	for range 4 {
		pool = append(pool, s.start(command...))
		s.expect("READY=1")
	}
	go s.drain()
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 50 {
				if _, err := get(s.address, "/"); err != nil {
					t.Errorf("a client was not served: %v", err)
				}
			}
		})
	}
	clients.Wait()
	for _, p := range pool {
		s.tell(p)
		s.exited(p)
	}
}

// A worker that inherits LISTEN_PID from somebody else must not take it.
func wantsItsOwnSockets(t *testing.T, command []string) {
	t.Helper()
	c := exec.Command(command[0], command[1:]...)
	c.Env = append(os.Environ(), "LISTEN_PID=1", "LISTEN_FDS=1")
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "availd run --listen") {
		t.Errorf("without sockets: %v, %q; want a failure with a hint", err, out)
	}
}
