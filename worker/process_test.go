package worker

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for an event that must come.
const patience = time.Minute

// A supervisor is availd as a worker sees it: a listening socket to inherit
// and a socket that receives reports.
type supervisor struct {
	t       *testing.T
	socket  int // shared with the workers, never touched by the Go runtime
	address *net.TCPAddr
	reports *net.UnixConn
	path    string
}

func supervise(t *testing.T, flags int) *supervisor {
	t.Helper()
	s := &supervisor{t: t, path: filepath.Join(t.TempDir(), "notify")}
	var err error
	s.reports, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.reports.Close() })
	s.socket, s.address = listenTCP(t, flags)
	return s
}

// listenTCP makes a socket without package net, whose File and Fd would change
// the flag that the tests are about.
func listenTCP(t *testing.T, flags int) (int, *net.TCPAddr) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
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
	return fd, address(fd, local).(*net.TCPAddr)
}

// start runs this test binary in a role, with the sockets from descriptor 3.
// syscall.ForkExec leaves the flags of the descriptors alone; os/exec does not.
func (s *supervisor) start(role string, sockets ...int) *os.Process {
	s.t.Helper()
	if len(sockets) == 0 {
		sockets = []int{s.socket}
	}
	files := []uintptr{0, 1, 2}
	for _, fd := range sockets {
		files = append(files, uintptr(fd))
	}
	environment := append(os.Environ(),
		"WORKER_TEST_ROLE="+role, "NOTIFY_SOCKET="+s.path,
		fmt.Sprintf("LISTEN_FDS=%d", len(sockets)), "LISTEN_FDNAMES=web",
		EnvStress+"=yes", EnvGeneration+"=7",
		"GORACE=atexit_sleep_ms=0") // a worker under -race would leave a second late
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"worker-" + role},
		&syscall.ProcAttr{Env: environment, Files: files})
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { // of a test that has failed before it has seen the end
		_ = p.Kill()
		_, _ = p.Wait()
	})
	return p
}

// expect reads reports until it has seen all of want, in this order, and
// nothing else.
func (s *supervisor) expect(want ...string) {
	s.t.Helper()
	for _, w := range want {
		if got := s.report(); got != w {
			s.t.Fatalf("report %q, want %q", got, w)
		}
	}
}

func (s *supervisor) report() string {
	s.t.Helper()
	s.reports.SetReadDeadline(time.Now().Add(patience))
	buffer := make([]byte, MaxReport)
	n, err := s.reports.Read(buffer)
	if err != nil {
		s.t.Fatalf("wait for a report: %v", err)
	}
	return string(buffer[:n])
}

func (s *supervisor) signal(p *os.Process, sig syscall.Signal) {
	s.t.Helper()
	if err := p.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// exited waits for the end of p and wants status 0.
func (s *supervisor) exited(p *os.Process) {
	s.t.Helper()
	late := time.AfterFunc(patience, func() { p.Kill() })
	defer late.Stop()
	state, err := p.Wait()
	if err != nil {
		s.t.Fatal(err)
	}
	if !state.Success() {
		s.t.Errorf("worker %d: %v, want exit status 0", p.Pid, state)
	}
}

func (s *supervisor) dial() net.Conn {
	s.t.Helper()
	c, err := net.DialTCP("tcp", nil, s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// nonblocking reports the flag on the shared description.
func (s *supervisor) nonblocking() bool {
	s.t.Helper()
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(s.socket), syscall.F_GETFL, 0)
	if errno != 0 {
		s.t.Fatal(errno)
	}
	return flags&syscall.O_NONBLOCK != 0
}
