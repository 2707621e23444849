package quiesce

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary plays a worker that inherits a listening socket as descriptor
// 3 and, as a program with a database does, a connection to another as 4.
const roleVariable = "QUIESCE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "elsewhere":
		elsewhere()
	case "saturated":
		saturated()
	}
	fmt.Println("ready")
	conn := -1
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "accept":
			conn, _, _ = unix.Accept(3)
		case "fork":
			child := exec.Command("/proc/self/exe")
			child.Env = os.Environ()
			child.ExtraFiles = []*os.File{os.NewFile(3, "listener")}
			child.Stdin = os.Stdin // it ends with its parent, at the end of the input
			_ = child.Start()
		case "close":
			_ = unix.Close(conn)
		default:
			hide(in.Text(), conn)
		}
		fmt.Println("done")
	}
	os.Exit(0)
}

type worker struct {
	t     *testing.T
	cmd   *exec.Cmd
	pidfd int
	in    io.WriteCloser
	out   *bufio.Scanner
}

func start(t *testing.T, files ...int) *worker {
	t.Helper()
	w := &worker{t: t, cmd: exec.Command("/proc/self/exe")}
	w.cmd.Env = []string{roleVariable + "=worker", "GORACE=atexit_sleep_ms=0"}
	for _, fd := range files {
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		must(t, err)
		f := os.NewFile(uintptr(dup), "")
		defer f.Close()
		w.cmd.ExtraFiles = append(w.cmd.ExtraFiles, f)
	}
	var err error
	w.in, err = w.cmd.StdinPipe()
	must(t, err)
	out, err := w.cmd.StdoutPipe()
	must(t, err)
	w.out = bufio.NewScanner(out)
	must(t, w.cmd.Start())
	w.pidfd, err = unix.PidfdOpen(w.cmd.Process.Pid, 0)
	must(t, err)
	t.Cleanup(func() {
		_ = unix.Close(w.pidfd)
		_ = w.cmd.Process.Signal(unix.SIGCONT)
		_ = w.in.Close()
		_ = w.cmd.Wait()
	})
	w.hear("ready")
	return w
}

func (w *worker) hear(want string) {
	w.t.Helper()
	if !w.out.Scan() || w.out.Text() != want {
		w.t.Fatalf("the worker says %q, want %s", w.out.Text(), want)
	}
}

func (w *worker) do(what string) {
	w.t.Helper()
	_, err := io.WriteString(w.in, what+"\n")
	must(w.t, err)
	w.hear("done")
}

func (w *worker) process() Process { return Process{w.cmd.Process.Pid, w.pidfd} }

// look stops the worker, looks, and lets it go on. While it runs a look finds the same.
func (w *worker) look(l *Looker) State {
	w.t.Helper()
	glance := w.ask(l, Question{Process: w.process()})
	w.stop()
	defer func() { must(w.t, w.cmd.Process.Signal(unix.SIGCONT)) }()
	state := w.ask(l, Question{Process: w.process(), Stopped: true})
	if glance != state {
		w.t.Errorf("%v while it runs, %v when it is stopped", glance, state)
	}
	return state
}

func (w *worker) ask(l *Looker, q Question) State {
	states := make([]State, 1)
	l.Look([]Question{q}, states)
	return states[0]
}

// stop stops the worker, and returns when it has.
func (w *worker) stop() bool {
	w.t.Helper()
	must(w.t, w.cmd.Process.Signal(unix.SIGSTOP))
	for deadline := time.Now().Add(10 * time.Second); ; {
		if halted, _ := isStopped(w.cmd.Process.Pid); halted {
			return true
		}
		if time.Now().After(deadline) {
			w.t.Fatal("it does not stop")
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func listen(t *testing.T, family, kind int, sa unix.Sockaddr) (int, unix.Sockaddr) {
	t.Helper()
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.Bind(fd, sa))
	must(t, unix.Listen(fd, 16))
	sa, err = unix.Getsockname(fd)
	must(t, err)
	return fd, sa
}

func connect(t *testing.T, family, kind int, sa unix.Sockaddr) int {
	t.Helper()
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.Connect(fd, sa))
	return fd
}

// TestLook: a worker holds what it has accepted, and nothing else that it has
// open.
func TestLook(t *testing.T) {
	path := func(name string) *unix.SockaddrUnix {
		return &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), name)}
	}
	local4 := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	for _, test := range []struct {
		name         string
		family, kind int
		address      unix.Sockaddr
	}{
		{"tcp4", unix.AF_INET, unix.SOCK_STREAM, local4},
		{"tcp6", unix.AF_INET6, unix.SOCK_STREAM, &unix.SockaddrInet6{Addr: [16]byte{15: 1}}},
		{"unix stream", unix.AF_UNIX, unix.SOCK_STREAM, path("a")},
		{"unix seqpacket", unix.AF_UNIX, unix.SOCK_SEQPACKET, path("b")},
		{"unix abstract", unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: fmt.Sprintf("@quiesce-test-%d", os.Getpid())}},
		{"unix abstract with NULs", unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: fmt.Sprintf("@quiesce\x00test-%d\x00", os.Getpid())}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fd, sa := listen(t, test.family, test.kind, test.address)
			if test.family == unix.AF_UNIX {
				sa = test.address // Getsockname has it until the first NUL
			}
			_, database := listen(t, unix.AF_INET, unix.SOCK_STREAM, local4)
			_, other := listen(t, unix.AF_UNIX, unix.SOCK_STREAM, path("db"))
			w := start(t, fd, connect(t, unix.AF_INET, unix.SOCK_STREAM, database), connect(t, unix.AF_UNIX, unix.SOCK_STREAM, other))
			for _, l := range []*Looker{New([]int{fd}, nil), Of(w.process(), 3, 1)} {
				w.serves(l, func() int { return connect(t, test.family, test.kind, sa) })
				must(t, l.Close())
			}
			if l := Of(w.process(), 3, 4); l != nil {
				t.Error("descriptor 6 is not there")
			}
		})
	}
}

// serves looks at a worker before, while and after it has a client.
func (w *worker) serves(l *Looker, come func() int) {
	t := w.t
	t.Helper()
	if s := w.look(l); s != Free {
		t.Errorf("with its databases: %v, want free", s)
	}
	client := come()
	if s := w.look(l); s != Free {
		t.Errorf("while a client waits in the queue: %v, want free", s)
	}
	w.do("accept")
	if s := w.look(l); s != Holding {
		t.Errorf("with a client: %v, want holding", s)
	}
	must(t, unix.Shutdown(client, unix.SHUT_WR))
	if s := w.look(l); s != Holding {
		t.Errorf("with a client that has said all: %v, want holding", s)
	}
	w.do("close")
	if s := w.look(l); s != Free {
		t.Errorf("after it: %v, want free", s)
	}
}

// TestLookAcceptsLate: a worker that accepts while another one of the round is being
// looked at, because it was inside accept(2) when it was sent SIGSTOP, holds what it
// has accepted.
func TestLookAcceptsLate(t *testing.T) {
	fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	first, late := start(t, fd), start(t, fd)
	l := New([]int{fd}, nil)
	defer l.Close()
	connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
	first.do("accept")
	workers := map[int]*worker{first.cmd.Process.Pid: first, late.cmd.Process.Pid: late}
	l.await = func(pid int) (stopped, gone bool) {
		w := workers[pid]
		if w == late {
			connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
			w.do("accept")
		}
		return w.stop(), false
	}
	states := make([]State, 2)
	l.Look([]Question{{Process: first.process(), Stopped: true}, {Process: late.process(), Stopped: true}}, states)
	if states[0] != Holding || states[1] != Holding {
		t.Errorf("%v, want both holding", states)
	}
}

// TestLookShares: a process that has left the accepting to a child is not to be
// killed without it.
func TestLookShares(t *testing.T) {
	fd, _ := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	l := New([]int{fd}, nil)
	defer l.Close()
	w := start(t, fd)
	w.do("fork")
	if s := w.look(l); s != Shares {
		t.Errorf("%v, want shares", s)
	}
}

// TestOfConnection: what is in the place of a listening socket, and is none, is not
// taken for one.
func TestOfConnection(t *testing.T) {
	for _, address := range []unix.Sockaddr{
		&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "a")},
	} {
		family := unix.AF_INET
		if _, isUnix := address.(*unix.SockaddrUnix); isUnix {
			family = unix.AF_UNIX
		}
		fd, sa := listen(t, family, unix.SOCK_STREAM, address)
		connect(t, family, unix.SOCK_STREAM, sa)
		conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
		must(t, err)
		w := start(t, conn, conn)
		_ = unix.Close(conn)
		if l := Of(w.process(), 3, 1); l != nil {
			t.Errorf("%T: a connection is taken for a listening socket", address)
		}
		if l := Of(Process{w.cmd.Process.Pid, -1}, 3, 1); l != nil && family == unix.AF_UNIX {
			t.Error("without a copy of it a connection is taken for a listening socket")
		}
	}
}

// TestLookMapped: a client over IPv4 of a listener of IPv6.
func TestLookMapped(t *testing.T) {
	fd, sa := listen(t, unix.AF_INET6, unix.SOCK_STREAM, &unix.SockaddrInet6{})
	l := New([]int{fd}, nil)
	defer l.Close()
	w := start(t, fd)
	connect(t, unix.AF_INET, unix.SOCK_STREAM,
		&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: sa.(*unix.SockaddrInet6).Port})
	w.do("accept")
	if s := w.look(l); s != Holding {
		t.Errorf("%v, want holding", s)
	}
}

// TestLookAnywhere: where connections may have any address, every socket of that
// protocol counts.
func TestLookAnywhere(t *testing.T) {
	fd, _ := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	_, database := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	l := New([]int{fd}, nil)
	defer l.Close()
	l.anywhere["TCP"] = true // as by Transparent=
	if s := start(t, fd).look(l); s != Free {
		t.Errorf("without any other socket: %v, want free", s)
	}
	if s := start(t, fd, connect(t, unix.AF_INET, unix.SOCK_STREAM, database)).look(l); s != Holding {
		t.Errorf("with another socket: %v, want holding", s)
	}
}

// TestMultipath: connections of MPTCP are in no list of TCP's.
func TestMultipath(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_MPTCP)
	if errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.ENOPROTOOPT) {
		t.Skip("this kernel has no MPTCP:", err)
	}
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(t, unix.Listen(fd, 1))
	l := New([]int{fd}, nil)
	defer l.Close()
	sa := must2(unix.Getsockname(fd))
	for _, protocol := range []int{unix.IPPROTO_MPTCP, unix.IPPROTO_TCP} {
		client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, protocol)
		must(t, err)
		defer unix.Close(client)
		must(t, unix.Connect(client, sa))
		w := start(t, fd, fd)
		if s := w.look(l); s != Free {
			t.Errorf("before: %v, want free", s)
		}
		w.do("accept")
		if s := w.look(l); s != Holding {
			t.Errorf("with a connection of protocol %d: %v, want holding", protocol, s)
		}
	}
}

// TestTransparent: a connection to any address may be the listener's then.
func TestTransparent(t *testing.T) {
	for _, c := range []struct {
		sa                      unix.Sockaddr
		family, level, variable int
	}{
		{&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, unix.AF_INET, unix.SOL_IP, unix.IP_TRANSPARENT},
		{&unix.SockaddrInet6{Addr: [16]byte{15: 1}}, unix.AF_INET6, unix.SOL_IPV6, unix.IPV6_TRANSPARENT},
	} {
		fd, _ := listen(t, c.family, unix.SOCK_STREAM, c.sa)
		if l := New([]int{fd}, nil); len(l.anywhere) > 0 {
			t.Error("blunt without need")
		}
		if err := unix.SetsockoptInt(fd, c.level, c.variable, 1); errors.Is(err, unix.EPERM) {
			t.Skip("a transparent socket takes CAP_NET_ADMIN or CAP_NET_RAW")
		} else {
			must(t, err)
		}
		if l := New([]int{fd}, nil); len(l.anywhere) == 0 {
			t.Error("its connections are told by an address that they do not have")
		}
	}
}

func must2(sa unix.Sockaddr, err error) unix.Sockaddr {
	if err != nil {
		panic(err)
	}
	return sa
}

// TestLookNotStopped: nothing is said of a process that runs, or has ended.
func TestLookNotStopped(t *testing.T) {
	fd, _ := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	l := New([]int{fd}, nil)
	defer l.Close()
	w := start(t, fd)
	states := []State{Holding, Holding}
	l.Look([]Question{{Process: w.process(), Stopped: true}, {Process: Process{1 << 22, -1}, Stopped: true}}, states)
	if states[0] != Running || states[1] != Gone {
		t.Errorf("%v, want running and gone", states)
	}
}

// TestLookWithoutDescriptors: what cannot be looked at for want of them may hold a
// client.
func TestLookWithoutDescriptors(t *testing.T) {
	fd, _ := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	l := New([]int{fd}, nil)
	defer l.Close()
	w := start(t, fd)
	if s := w.look(l); s != Free {
		t.Fatalf("%v, want free", s)
	}
	var was unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &was))
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: was.Max}))
	s := l.judge(Question{Process: w.process(), Stopped: true})
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &was))
	if s != Holding {
		t.Errorf("%v, want holding", s)
	}
}

// TestDenied: another user's process may not be looked at.
func TestDenied(t *testing.T) {
	looked := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread that is nobody ends with this goroutine
		const nobody = 65534
		if os.Getuid() == 0 { // who may look at all
			if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
				t.Error(errno)
			}
		}
		_, err := descriptors(1, false)
		looked <- err
	}()
	if err := <-looked; err == nil || !strings.Contains(err.Error(), "denied") {
		t.Errorf("looking at process 1: %v", err)
	}
}
