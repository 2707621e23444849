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
	"syscall"
	"testing"

	"github.com/availd/availd/internal/testutil"
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
		return []string{testutil.Program(t, "python3"), "http-python/worker.py"}
	}},
	{"http-perl", true, func(t *testing.T, dir string) []string {
		return []string{testutil.Program(t, "perl"), "http-perl/worker.pl"}
	}},
	{"http-ruby", true, func(t *testing.T, dir string) []string {
		return []string{testutil.Program(t, "ruby"), "http-ruby/worker.rb"}
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
	out, err := exec.Command(testutil.Program(t, program), args...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return []string{result}
}

// abstract is a name of the abstract namespace, which all processes of this
// machine share.
func abstract(name string) string { return fmt.Sprintf("@availd-example-%s-%d", name, os.Getpid()) }

func TestExamples(t *testing.T) {
	for _, example := range examples {
		t.Run(example.name, func(t *testing.T) {
			command := example.build(t, t.TempDir())
			for _, notify := range []string{"", abstract(example.name)} {
				servesAndLeaves(t, testutil.Supervise(t, notify, syscall.SOCK_NONBLOCK), command)
			}
			finishesWhatItHolds(t, testutil.Supervise(t, "", syscall.SOCK_NONBLOCK), command, example.announces)
			survivesRudeClients(t, testutil.Supervise(t, "", syscall.SOCK_NONBLOCK), command)
			losesRaces(t, testutil.Supervise(t, "", syscall.SOCK_NONBLOCK), command)
			leavesNobodyBehind(t, testutil.Supervise(t, "", syscall.SOCK_NONBLOCK), command)
			wantsItsOwnSockets(t, command)
		})
	}
}

func servesAndLeaves(t *testing.T, s *testutil.Supervisor, command []string) {
	t.Helper()
	p := s.Start(command...)
	s.Expect("READY=1")
	want := fmt.Sprintf(`{"pid":%d,"generation":7,"stress":true}`+"\n", p.Pid)
	for _, path := range []string{"/", "/sleep?ms=1", "/"} {
		got, err := get(s.Address.String(), path)
		if err != nil || got != want {
			t.Errorf("GET %s: %q, %v; want %q", path, got, err, want)
		}
		s.Expect("X_AVAILD=busy", "X_AVAILD=idle")
	}
	s.Retire(p)
	s.Exited(p)
}

// get is a client of its own connection, which the worker must close.
func get(address, path string) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testutil.Patience}
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
// leave; a second client, who came too late, is served by this worker, as a worker
// looks once more before it leaves, or by the next one.
func finishesWhatItHolds(t *testing.T, s *testutil.Supervisor, command []string, announces bool) {
	t.Helper()
	p := s.Start(command...)
	s.Expect("READY=1")
	c, err := net.Dial("tcp", s.Address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.Expect("X_AVAILD=busy")
	s.Retire(p)
	if announces {
		// A signal that is sent has not been noticed yet: until then a worker
		// may well take another connection, and finish that too.
		s.Expect("STOPPING=1")
	}
	late, err := net.Dial("tcp", s.Address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	for _, held := range []net.Conn{c, late} {
		fmt.Fprint(held, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 OK\r\n") {
		t.Errorf("told to retire while busy, answered %q, %v", got, err)
	}
	s.Exited(p)
	next := s.Start(command...)
	s.Until("READY=1")
	if got, err := io.ReadAll(late); err != nil ||
		!strings.Contains(string(got), fmt.Sprintf(`"pid":%d,`, p.Pid)) && !strings.Contains(string(got), fmt.Sprintf(`"pid":%d,`, next.Pid)) {
		t.Errorf("the client who came too late got %q, %v", got, err)
	}
	s.Retire(next)
	s.Exited(next)
}

// A client that says nothing and one that resets must not end the worker.
func survivesRudeClients(t *testing.T, s *testutil.Supervisor, command []string) {
	t.Helper()
	p := s.Start(command...)
	s.Expect("READY=1")
	for _, say := range []string{"", "GET /sleep?ms=1 HTTP/1.1\r\n\r\n"} {
		c, err := net.Dial("tcp", s.Address.String())
		if err != nil {
			t.Fatal(err)
		}
		s.Expect("X_AVAILD=busy")
		fmt.Fprint(c, say)
		c.(*net.TCPConn).SetLinger(0) // close sends a reset
		c.Close()
		s.Expect("X_AVAILD=idle")
	}
	s.Retire(p)
	s.Exited(p)
}

// Four workers wait for four clients: some find nothing when they accept. One
// that were stuck in accept after that would not leave when told.
func losesRaces(t *testing.T, s *testutil.Supervisor, command []string) {
	t.Helper()
	var pool []*os.Process
	for range 4 {
		pool = append(pool, s.Start(command...))
		s.Expect("READY=1")
	}
	go s.Drain()
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 50 {
				if _, err := get(s.Address.String(), "/"); err != nil {
					t.Errorf("a client was not served: %v", err)
				}
			}
		})
	}
	clients.Wait()
	for _, p := range pool {
		s.Retire(p)
		s.Exited(p)
	}
}

// leavesNobodyBehind: a connection wakes one idle worker, so one that leaves at that
// moment must not take the only wake-up along. Of two idle workers one is told to
// leave while clients come; the other one is always there, and none waits.
func leavesNobodyBehind(t *testing.T, s *testutil.Supervisor, command []string) {
	t.Helper()
	stays := s.Start(command...)
	s.Expect("READY=1")
	for range 20 {
		leaves := s.Start(command...)
		s.Until("READY=1")
		var clients sync.WaitGroup
		for range 3 {
			clients.Go(func() {
				if _, err := get(s.Address.String(), "/"); err != nil {
					t.Errorf("a client was not served: %v", err)
				}
			})
		}
		s.Retire(leaves)
		clients.Wait()
		s.Exited(leaves)
	}
	s.Retire(stays)
	s.Exited(stays)
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
