package testutil

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Patience is how long a test waits for an event that must come.
const Patience = time.Minute

// A Supervisor is availd as a worker sees it: a listening socket to inherit, and a socket
// that receives reports.
type Supervisor struct {
	T       *testing.T
	Socket  int // shared with the workers, never touched by the Go runtime
	Address *net.TCPAddr
	Path    string // of the report socket, for NOTIFY_SOCKET
	Reports *net.UnixConn
}

// Supervise makes both sockets. path is where reports go, "" = into a directory of the
// test's own; flags are those of the listening socket beside SOCK_CLOEXEC, such as
// SOCK_NONBLOCK for a socket as systemd passes it under NonBlocking=yes.
func Supervise(t *testing.T, path string, flags int) *Supervisor {
	t.Helper()
	s := &Supervisor{T: t, Path: path}
	if path == "" {
		s.Path = filepath.Join(t.TempDir(), "notify")
	}
	var err error
	s.Reports, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.Path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reports.Close() })
	s.Socket, s.Address = ListenTCP(t, flags)
	return s
}

// ListenTCP makes a socket without package net, whose File and Fd would change the flags.
func ListenTCP(t *testing.T, flags int) (int, *net.TCPAddr) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 1024); err != nil {
		t.Fatal(err)
	}
	local, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	a := local.(*syscall.SockaddrInet4)
	return fd, &net.TCPAddr{IP: net.IP(a.Addr[:]), Port: a.Port}
}

// Start runs a worker on the socket. The shell knows the pid that LISTEN_PID must have,
// which after exec is the worker's.
func (s *Supervisor) Start(command ...string) *os.Process {
	s.T.Helper()
	argv := append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh"}, command...)
	return s.Spawn("/bin/sh", argv, nil, s.Socket)
}

// Spawn runs a program as a worker, with the sockets from descriptor 3 and more variables.
// syscall.ForkExec leaves the flags of the descriptors alone; os/exec does not.
func (s *Supervisor) Spawn(path string, argv, variables []string, sockets ...int) *os.Process {
	s.T.Helper()
	files := []uintptr{0, 1, 2}
	for _, fd := range sockets {
		files = append(files, uintptr(fd))
	}
	environment := append(os.Environ(), fmt.Sprintf("LISTEN_FDS=%d", len(sockets)), "LISTEN_FDNAMES=web",
		"NOTIFY_SOCKET="+s.Path, "AVAILD_STRESS=yes", "AVAILD_GENERATION=7")
	pid, err := syscall.ForkExec(path, argv, &syscall.ProcAttr{Env: append(environment, variables...), Files: files})
	if err != nil {
		s.T.Fatal(err)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { // of a test that has failed before it has seen the end
		_ = p.Kill()
		_, _ = p.Wait()
	})
	return p
}

// Report reads one report.
func (s *Supervisor) Report() string {
	s.T.Helper()
	_ = s.Reports.SetReadDeadline(time.Now().Add(Patience))
	buffer := make([]byte, 4096)
	n, err := s.Reports.Read(buffer)
	if err != nil {
		s.T.Fatalf("wait for a report: %v", err)
	}
	return string(buffer[:n])
}

// Expect reads reports until it has seen all of want, in this order, and nothing else.
func (s *Supervisor) Expect(want ...string) {
	s.T.Helper()
	for _, w := range want {
		if got := s.Report(); got != w {
			s.T.Fatalf("report %q, want %q", got, w)
		}
	}
}

// Until reads reports up to want, and drops what comes before.
func (s *Supervisor) Until(want string) {
	s.T.Helper()
	for s.Report() != want {
	}
}

// Drain reads reports until the socket is closed, so that no worker waits.
func (s *Supervisor) Drain() {
	buffer := make([]byte, 4096)
	for {
		if _, err := s.Reports.Read(buffer); err != nil {
			return
		}
	}
}

// Signal sends one to a worker.
func (s *Supervisor) Signal(p *os.Process, sig syscall.Signal) {
	s.T.Helper()
	if err := p.Signal(sig); err != nil {
		s.T.Fatal(err)
	}
}

// Retire sends the retire signal.
func (s *Supervisor) Retire(p *os.Process) {
	s.T.Helper()
	s.Signal(p, syscall.SIGTERM)
}

// Exited waits for the end of p and wants status 0.
func (s *Supervisor) Exited(p *os.Process) {
	s.T.Helper()
	late := time.AfterFunc(Patience, func() { _ = p.Kill() })
	defer late.Stop()
	state, err := p.Wait()
	if err != nil {
		s.T.Fatal(err)
	}
	if !state.Success() {
		s.T.Errorf("worker %d: %v, want exit status 0", p.Pid, state)
	}
}

// Dial connects to the socket. The connection is closed with the test at the latest.
func (s *Supervisor) Dial() net.Conn {
	s.T.Helper()
	c, err := net.DialTCP("tcp", nil, s.Address)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(Patience))
	return c
}
