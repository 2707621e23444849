package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// keepAlive is a worker that knows nothing of signals and keeps connections open. A
// request is a line: what it asks for is done before the answer.
const keepAlive = `
import socket, time
listener = socket.socket(fileno=3)
listener.setblocking(True)
while True:
    c, _ = listener.accept()
    f = c.makefile("rb")
    for line in f:
        time.sleep(float(line))
        c.sendall(b"answer\n")
`

// deaf is a worker that reports, and whose handler takes a note that it looks at after
// the next connection: accept(2) is called again after a signal.
const deaf = `
import os, signal, socket
leaves = []
signal.signal(signal.SIGTERM, lambda *_: leaves.append(1))
to = os.environ["NOTIFY_SOCKET"]
to = "\0" + to[1:] if to[0] == "@" else to
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener = socket.socket(fileno=3)
listener.setblocking(True)
s.sendto(b"READY=1", to)
while not leaves:
    c, _ = listener.accept()
    s.sendto(b"X_AVAILD=busy", to)
    c.makefile("rb").readline()
    c.sendall(b"answer\n")
    c.close()
    s.sendto(b"X_AVAILD=idle", to)
`

// served is an availd that a test runs, on a TCP socket of the test's.
type served struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  lockedBuffer
	addr string
	done chan error
}

type lockedBuffer struct {
	sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.String()
}

// serveWith runs availd with a worker in Python and these options.
func serveWith(t *testing.T, program string, options ...string) *served {
	t.Helper()
	return serveBy(t, program, func(*exec.Cmd) {}, options...)
}

// serveBy has change alter how availd is started.
func serveBy(t *testing.T, program string, change func(*exec.Cmd), options ...string) *served {
	t.Helper()
	python := testutil.Program(t, "python3")
	availd, err := exec.LookPath("availd") // testscript.Main has put ours into PATH
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	worker := filepath.Join(dir, "worker.py")
	if err := os.WriteFile(worker, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := &served{t: t, addr: l.Addr().String(), done: make(chan error, 1)}
	// The shell says its own pid, which stays that of what it executes.
	args := append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh", availd, "run", "--name=web", "--log-level=debug"}, options...)
	s.cmd = exec.Command("/bin/sh", append(args, "--", python, worker)...)
	s.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET=", "LISTEN_FDS=1", "LISTEN_FDNAMES=web", "RUNTIME_DIRECTORY="+dir)
	s.cmd.ExtraFiles, s.cmd.Stdout, s.cmd.Stderr = []*os.File{f}, &s.log, &s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	change(s.cmd)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	t.Cleanup(func() {
		for _, sig := range []os.Signal{unix.SIGTERM, unix.SIGTERM, unix.SIGKILL} {
			if s.cmd.Process.Signal(sig) != nil {
				return
			}
			select {
			case <-s.done:
				return
			case <-time.After(5 * time.Second):
			}
		}
	})
	return s
}

// dial connects, and asks for something if there is anything to ask for.
func (s *served) dial(says string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err == nil {
		_, err = io.WriteString(c, says)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *served) hears(c net.Conn) string {
	s.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	line, err := bufio.NewReader(c).ReadString('\n')
	return fmt.Sprint(line, err)
}

// stops sends the signal and returns how long the end took.
func (s *served) stops(sig os.Signal) time.Duration {
	s.t.Helper()
	begin := time.Now()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	s.ends()
	return time.Since(begin)
}

// ends waits for a good end.
func (s *served) ends() {
	s.t.Helper()
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Errorf("it ended by %v\n%s", err, &s.log)
		}
	case <-time.After(time.Minute):
		s.t.Fatalf("it does not end\n%s", &s.log)
	}
}

const answered = "answer\n<nil>"

// TestStopKeepAlive: a stop does not wait for a connection on which nothing is asked.
func TestStopKeepAlive(t *testing.T) {
	s := serveWith(t, keepAlive, "--protocol=queue", "--stop-timeout=50s")
	c := s.dial("0\n")
	if got := s.hears(c); got != answered {
		t.Fatal(got)
	}
	if took := s.stops(unix.SIGTERM); took > 25*time.Second {
		t.Errorf("a stop with an idle connection took %v", took)
	} else {
		t.Logf("a stop with an idle connection took %v", took)
	}
}

// TestStopWaitsForRequests: one that is being worked on is, and half of one.
func TestStopWaitsForRequests(t *testing.T) {
	for name, says := range map[string][2]string{"worked on": {"3\n", ""}, "half": {"0", "\n"}} {
		t.Run(name, func(t *testing.T) {
			s := serveWith(t, keepAlive, "--protocol=queue", "--stop-timeout=50s")
			first := s.dial("0\n")
			if got := s.hears(first); got != answered {
				t.Fatal(got)
			}
			time.Sleep(50 * time.Millisecond) // the kernel's times tell one from the other
			if _, err := io.WriteString(first, says[0]); err != nil {
				t.Fatal(err)
			}
			heard := make(chan string, 1)
			go func() {
				time.Sleep(2500 * time.Millisecond) // longer than what is taken for rest
				_, _ = io.WriteString(first, says[1])
				heard <- s.hears(first)
			}()
			took := s.stops(unix.SIGTERM)
			if got := <-heard; got != answered {
				t.Errorf("the client heard %q after %v\n%s", got, took, &s.log)
			}
		})
	}
}

// TestStopUnheard: a worker that waits in accept(2) after its signal is not waited for.
func TestStopUnheard(t *testing.T) {
	s := serveWith(t, deaf, "--protocol=notify", "--stop-timeout=50s")
	if got := s.hears(s.dial("x\n")); got != answered {
		t.Fatal(got)
	}
	if took := s.stops(unix.SIGTERM); took > 25*time.Second {
		t.Errorf("a stop with a worker in accept(2) took %v", took)
	} else {
		t.Logf("a stop with a worker in accept(2) took %v", took)
	}
}

// disturbed is a worker whose wait for the rest of a request ends with what is no
// answer when it is stopped and continued: a socket call with a time limit (signal(7)).
const disturbed = `
import ctypes, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
listener = socket.socket(fileno=3)
listener.setblocking(True)
while True:
    c, _ = listener.accept()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 30, 0))
    c.sendall(b"hello\n")
    buf = ctypes.create_string_buffer(100)
    n = libc.recv(c.fileno(), buf, 100, 0)
    c.sendall(b"answer\n" if n > 0 else b"error %d\n" % ctypes.get_errno())
    c.close()
`

// TestReloadDisturbsNobody: a worker that holds a connection is not stopped to be
// looked at.
func TestReloadDisturbsNobody(t *testing.T) {
	s := serveWith(t, disturbed, "--protocol=queue", "--limit=2")
	c := s.dial("")
	if got := s.hears(c); got != "hello\n<nil>" {
		t.Fatal(got)
	}
	if err := s.cmd.Process.Signal(unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond) // several looks
	if _, err := io.WriteString(c, "x\n"); err != nil {
		t.Fatal(err)
	}
	if got := s.hears(c); got != answered {
		t.Errorf("the client heard %q", got)
	}
	s.stops(unix.SIGTERM)
}
