package worker

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
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
	s.expect("READY=1")
	for range 3 {
		c := s.dial()
		if got, want := greeting(t, c), fmt.Sprintf("%d true 7", p.Pid); got != want {
			t.Errorf("greeting %q, want %q", got, want)
		}
		s.expect("X_AVAILD=busy")
		c.Close()
		s.expect("X_AVAILD=idle")
	}
	s.signal(p, syscall.SIGTERM)
	s.exited(p)
}

func TestServeToldToLeave(t *testing.T) {
	for _, mode := range []struct {
		name  string
		flags int
	}{{"blocking socket", 0}, {"non-blocking socket", syscall.SOCK_NONBLOCK}} {
		t.Run(mode.name+", while idle", func(t *testing.T) {
			s := supervise(t, mode.flags)
			p := s.start("echo")
			s.expect("READY=1")
			s.signal(p, syscall.SIGTERM)
			s.exited(p)
		})
		t.Run(mode.name+", while busy", func(t *testing.T) {
			s := supervise(t, mode.flags)
			p := s.start("echo")
			c := s.dial()
			defer c.Close()
			greeting(t, c)
			s.expect("READY=1", "X_AVAILD=busy")
			s.signal(p, syscall.SIGTERM)
			s.expect("STOPPING=1") // the signal has arrived; the client is still there
			s.signal(p, syscall.SIGTERM)
			waiting := s.dial()
			defer waiting.Close()
			finish(t, c)
			s.expect("X_AVAILD=idle")
			s.exited(p)
			next := s.start("echo")
			if got, want := greeting(t, waiting), fmt.Sprintf("%d true 7", next.Pid); got != want {
				t.Errorf("the connection that waited got %q, want %q", got, want)
			}
			waiting.Close()
			s.signal(next, syscall.SIGTERM)
			s.exited(next)
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
		c := s.dial()
		greeting(t, c)
		c.Close()
		s.expect("READY=1", "X_AVAILD=busy", "X_AVAILD=idle")
		s.signal(p, syscall.SIGTERM)
		s.exited(p)
		if got, want := s.nonblocking(), flags != 0; got != want {
			t.Errorf("O_NONBLOCK is %v after a worker, want %v", got, want)
		}
	}
}

func TestServeTakesTurnsBetweenSockets(t *testing.T) {
	s := supervise(t, syscall.SOCK_NONBLOCK)
	second, address := listenTCP(t, syscall.SOCK_NONBLOCK)
	var queues [2][]net.Conn
	for range 3 {
		queues[0] = append(queues[0], s.dial())
		c, err := net.DialTCP("tcp", nil, address)
		if err != nil {
			t.Fatal(err)
		}
		queues[1] = append(queues[1], c)
	}
	p := s.start("echo", s.socket, second)
	s.expect("READY=1")
	for i := range queues[0] {
		for _, q := range queues {
			greeting(t, q[i])
			finish(t, q[i])
			q[i].Close()
			s.expect("X_AVAILD=busy", "X_AVAILD=idle")
		}
	}
	s.signal(p, syscall.SIGTERM)
	s.exited(p)
}

func TestServeGoesOnWithoutAvaild(t *testing.T) {
	s := supervise(t, syscall.SOCK_NONBLOCK)
	p := s.start("echo")
	s.expect("READY=1")
	s.reports.Close() // as a crash of availd: the path stays, nobody is behind it
	for range 3 {
		c := s.dial()
		greeting(t, c)
		finish(t, c)
		c.Close()
	}
	s.signal(p, syscall.SIGTERM)
	s.exited(p)
}
