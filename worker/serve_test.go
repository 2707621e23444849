package worker

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

func init() {
	roles["echo"] = func() error { return Serve(context.Background(), echo) }
}

// echo greets, so that the client knows who has it, and copies until the
// client ends its side.
func echo(c net.Conn) {
	fmt.Fprintf(c, "%d %v %d\n", os.Getpid(), Stressed(), Generation())
	io.Copy(c, c)
}

// greeting reads the first line of a connection to an echo worker.
func greeting(t *testing.T, c net.Conn) string {
	t.Helper()
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatalf("read greeting: %v", err)
		}
		if b[0] == '\n' {
			return string(line)
		}
		line = append(line, b[0])
	}
}

func TestServeReportsEachConnection(t *testing.T) {
	s := supervise(t, syscall.SOCK_NONBLOCK)
	p := s.start("echo")
	s.Expect("READY=1")
	for range 3 {
		c := s.Dial()
		if got, want := greeting(t, c), fmt.Sprintf("%d true 7", p.Pid); got != want {
			t.Errorf("greeting %q, want %q", got, want)
		}
		s.Expect("X_AVAILD=busy")
		c.Close()
		s.Expect("X_AVAILD=idle")
	}
	s.Signal(p, syscall.SIGTERM)
	s.Exited(p)
}

func TestServeToldToLeave(t *testing.T) {
	for _, mode := range []struct {
		name  string
		flags int
	}{{"blocking socket", 0}, {"non-blocking socket", syscall.SOCK_NONBLOCK}} {
		t.Run(mode.name+", while idle", func(t *testing.T) {
			s := supervise(t, mode.flags)
			p := s.start("echo")
			s.Expect("READY=1")
			s.Signal(p, syscall.SIGTERM)
			s.Exited(p)
		})
		t.Run(mode.name+", while busy", func(t *testing.T) {
			s := supervise(t, mode.flags)
			p := s.start("echo")
			c := s.Dial()
			defer c.Close()
			greeting(t, c)
			s.Expect("READY=1", "X_AVAILD=busy")
			s.Signal(p, syscall.SIGTERM)
			s.Expect("STOPPING=1") // the signal has arrived; the client is still there
			s.Signal(p, syscall.SIGTERM)
			waiting := s.Dial()
			defer waiting.Close()
			finish(t, c)
			s.Expect("X_AVAILD=idle")
			s.Exited(p)
			next := s.start("echo")
			if got, want := greeting(t, waiting), fmt.Sprintf("%d true 7", next.Pid); got != want {
				t.Errorf("the connection that waited got %q, want %q", got, want)
			}
			waiting.Close()
			s.Signal(next, syscall.SIGTERM)
			s.Exited(next)
		})
	}
}

// finish uses a connection that must still work, and ends it.
func finish(t *testing.T, c net.Conn) {
	t.Helper()
	fmt.Fprint(c, "last words")
	c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(c); err != nil || string(got) != "last words" {
		t.Errorf("read %q, %v; want %q", got, err, "last words")
	}
}

func TestServeLeavesTheSharedFlagAlone(t *testing.T) {
	for _, flags := range []int{0, syscall.SOCK_NONBLOCK} {
		s := supervise(t, flags)
		p := s.start("echo")
		c := s.Dial()
		greeting(t, c)
		c.Close()
		s.Expect("READY=1", "X_AVAILD=busy", "X_AVAILD=idle")
		s.Signal(p, syscall.SIGTERM)
		s.Exited(p)
		if got, want := s.nonblocking(), flags != 0; got != want {
			t.Errorf("O_NONBLOCK is %v after a worker, want %v", got, want)
		}
	}
}

func TestServeTakesTurnsBetweenSockets(t *testing.T) {
	s := supervise(t, syscall.SOCK_NONBLOCK)
	second, address := testutil.ListenTCP(t, syscall.SOCK_NONBLOCK)
	var queues [2][]net.Conn
	for range 3 {
		queues[0] = append(queues[0], s.Dial())
		c, err := net.DialTCP("tcp", nil, address)
		if err != nil {
			t.Fatal(err)
		}
		queues[1] = append(queues[1], c)
	}
	p := s.start("echo", s.Socket, second)
	s.Expect("READY=1")
	for i := range queues[0] {
		for _, q := range queues {
			greeting(t, q[i])
			finish(t, q[i])
			q[i].Close()
			s.Expect("X_AVAILD=busy", "X_AVAILD=idle")
		}
	}
	s.Signal(p, syscall.SIGTERM)
	s.Exited(p)
}

func TestServeGoesOnWithoutAvaild(t *testing.T) {
	s := supervise(t, syscall.SOCK_NONBLOCK)
	p := s.start("echo")
	s.Expect("READY=1")
	s.Reports.Close() // as a crash of availd: the path stays, nobody is behind it
	for range 3 {
		c := s.Dial()
		greeting(t, c)
		finish(t, c)
		c.Close()
	}
	s.Signal(p, syscall.SIGTERM)
	s.Exited(p)
}
