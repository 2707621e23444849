package examples

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

// several are the workers that serve more than one client at a time, here two
// before they say busy.
var several = []struct {
	name    string
	pauses  bool // takes no more when it has said busy
	command func(*testing.T) []string
}{
	{"http-asyncio", true, func(t *testing.T) []string {
		return []string{testutil.Program(t, "python3"), "http-asyncio/worker.py", "2"}
	}},
	{"http-node", false, func(t *testing.T) []string {
		return []string{testutil.Program(t, "perl"), "http-node/with-reports", testutil.Program(t, "node"), "http-node/worker.js", "2"}
	}},
}

func TestSeveral(t *testing.T) {
	for _, example := range several {
		t.Run(example.name, func(t *testing.T) {
			command := example.command(t)
			for _, notify := range []string{"", abstract(example.name)} {
				countsClients(t, testutil.Supervise(t, notify, syscall.SOCK_NONBLOCK), command, example.pauses)
			}
			finishesAll(t, testutil.Supervise(t, "", syscall.SOCK_NONBLOCK), command)
			survivesRudeClient(t, testutil.Supervise(t, "", syscall.SOCK_NONBLOCK), command)
			losesRaces(t, testutil.Supervise(t, "", syscall.SOCK_NONBLOCK), command)
			wantsItsOwnSockets(t, command)
		})
	}
}

// holding is what a worker of two clients reports when it holds so many.
func holding(clients, done int) string {
	state := "idle"
	if clients >= 2 {
		state = "busy"
	}
	return fmt.Sprintf("X_AVAILD=%s\nX_AVAILD_JOBS=%d\nX_AVAILD_DONE=%d", state, clients, done)
}

// answered asks on a connection that is held, and checks the answer.
func answered(t *testing.T, c net.Conn, p *os.Process) {
	t.Helper()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	want := fmt.Sprintf(`{"pid":%d,"generation":7,"stress":true}`+"\n", p.Pid)
	got, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 OK\r\n") || !strings.Contains(string(got), want) {
		t.Errorf("answered %q, %v; want %s", got, err, want)
	}
	c.Close()
}

// full starts a worker and connects the two clients with whom it is busy.
func full(s *testutil.Supervisor, command []string) (p *os.Process, first, second net.Conn) {
	s.T.Helper()
	p = s.Start(command...)
	s.Expect("READY=1")
	first = s.Dial()
	s.Expect(holding(1, 0))
	second = s.Dial()
	s.Expect(holding(2, 0))
	return p, first, second
}

func countsClients(t *testing.T, s *testutil.Supervisor, command []string, pauses bool) {
	t.Helper()
	p, first, second := full(s, command)
	third := s.Dial()
	if !pauses {
		s.Expect(holding(3, 0))
	}
	answered(t, second, p)
	if pauses {
		s.Expect(holding(1, 1), holding(2, 0))
	} else {
		s.Expect(holding(2, 1))
	}
	answered(t, first, p)
	answered(t, third, p)
	s.Expect(holding(1, 1), holding(0, 1))
	s.Retire(p)
	s.Exited(p)
}

// finishesAll: who is told to retire while it holds two clients that have said nothing
// yet serves both; who came too late is served by the next worker.
func finishesAll(t *testing.T, s *testutil.Supervisor, command []string) {
	t.Helper()
	p, first, second := full(s, command)
	s.Retire(p)
	s.Expect("STOPPING=1")
	go s.Drain() // how many it holds from here on is of no interest
	late := s.Dial()
	answered(t, second, p)
	answered(t, first, p)
	s.Exited(p)
	next := s.Start(command...)
	answered(t, late, next)
	s.Retire(next)
	s.Exited(next)
}

// survivesRudeClient: one that resets its connection is a job like any other.
func survivesRudeClient(t *testing.T, s *testutil.Supervisor, command []string) {
	t.Helper()
	p := s.Start(command...)
	s.Expect("READY=1")
	for _, say := range []string{"", "GET /sleep?ms=1 HTTP/1.1\r\nHost: x\r\n\r\n"} {
		c := s.Dial()
		s.Expect(holding(1, 0))
		fmt.Fprint(c, say)
		c.(*net.TCPConn).SetLinger(0) // close sends a reset
		c.Close()
		s.Expect(holding(0, 1))
	}
	s.Retire(p)
	s.Exited(p)
}
