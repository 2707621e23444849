package examples

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

// A supervisor is availd as a worker sees it: a listening socket as systemd
// passes it under NonBlocking=yes, and a socket that receives reports.
type supervisor struct {
	t       *testing.T
	socket  int // not a net.Listener, whose File would change the flags
	address string
	notify  string // NOTIFY_SOCKET
	reports *net.UnixConn
}

// abstract is a name of the abstract namespace, which all processes of this
// machine share.
func abstract(name string) string { return fmt.Sprintf("@availd-example-%s-%d", name, os.Getpid()) }

func supervise(t *testing.T, notify string) *supervisor {
	t.Helper()
	s := &supervisor{t: t, notify: notify}
	if notify == "" {
		s.notify = filepath.Join(t.TempDir(), "notify")
	}
	var err error
	s.reports, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.notify, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.reports.Close() })
	s.socket, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(s.socket) })
	if err := syscall.Bind(s.socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(s.socket, 1024); err != nil {
		t.Fatal(err)
	}
	local, err := syscall.Getsockname(s.socket)
	if err != nil {
		t.Fatal(err)
	}
	s.address = fmt.Sprintf("127.0.0.1:%d", local.(*syscall.SockaddrInet4).Port)
	return s
}

// start runs a worker. The shell knows the pid that LISTEN_PID must have,
// which after exec is the worker's.
func (s *supervisor) start(command ...string) *os.Process {
	s.t.Helper()
	argv := append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh"}, command...)
	environment := append(os.Environ(), "LISTEN_FDS=1", "LISTEN_FDNAMES=web",
		"NOTIFY_SOCKET="+s.notify, "AVAILD_STRESS=yes", "AVAILD_GENERATION=7")
	pid, err := syscall.ForkExec("/bin/sh", argv, &syscall.ProcAttr{
		Env:   environment,
		Files: []uintptr{0, 1, 2, uintptr(s.socket)},
	})
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

// expect reads one report for each of want, in this order.
func (s *supervisor) expect(want ...string) {
	s.t.Helper()
	buffer := make([]byte, 4096)
	for _, w := range want {
		s.reports.SetReadDeadline(time.Now().Add(patience))
		n, err := s.reports.Read(buffer)
		if err != nil {
			s.t.Fatalf("wait for report %q: %v", w, err)
		}
		if got := string(buffer[:n]); got != w {
			s.t.Fatalf("report %q, want %q", got, w)
		}
	}
}

// drain reads reports until the socket is closed, so that no worker waits.
func (s *supervisor) drain() {
	buffer := make([]byte, 4096)
	for {
		if _, err := s.reports.Read(buffer); err != nil {
			return
		}
	}
}

func (s *supervisor) tell(p *os.Process) {
	s.t.Helper()
	if err := p.Signal(syscall.SIGTERM); err != nil {
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
