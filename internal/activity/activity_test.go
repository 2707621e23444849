package activity

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/testutil"
)

// The test binary plays a worker that is stuck in some way: the role, and what it needs.
const roleVariable = "ACTIVITY_TEST_ROLE"

// What a role does is done by the first thread of its process, as in C: that is the one
// that is looked at.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	role, argument, _ := strings.Cut(os.Getenv(roleVariable), " ")
	if role == "" {
		testutil.Main(m)
		return
	}
	play(role, argument)
}

// roles are what a worker may be stuck in. Each blocks for ever; all calls are made as C
// programs make them, not through Go's poller.
var roles = map[string]func(argument string){
	"connect": func(argument string) {
		fd, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		_ = unix.Connect(fd, loopback(argument))
	},
	"connect-later": func(argument string) {
		fd, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		_ = unix.Connect(fd, loopback(argument))
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
	},
	"connect-unix": func(argument string) {
		fd, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		_ = unix.Connect(fd, &unix.SockaddrUnix{Name: argument})
	},
	"recv": func(argument string) {
		fd := connected(unix.AF_INET, unix.SOCK_STREAM, loopback(argument))
		_, _, _ = unix.Recvfrom(fd, make([]byte, 9), 0)
	},
	"recv-udp": func(argument string) {
		fd := connected(unix.AF_INET, unix.SOCK_DGRAM, loopback(argument))
		_, _, _ = unix.Recvfrom(fd, make([]byte, 9), 0)
	},
	"recv-unix": func(argument string) {
		fd := connected(unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: argument})
		_, _ = unix.Read(fd, make([]byte, 9))
	},
	"select": func(argument string) {
		fd := connected(unix.AF_INET, unix.SOCK_STREAM, loopback(argument))
		var set unix.FdSet
		set.Set(fd)
		_, _ = unix.Select(fd+1, &set, nil, nil, nil)
	},
	"epoll": func(argument string) {
		fd := connected(unix.AF_INET, unix.SOCK_STREAM, loopback(argument))
		ep, _ := unix.EpollCreate1(0)
		_ = unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
		_ = unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, 3, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 3}) // our listener
		_, _ = unix.EpollWait(ep, make([]unix.EpollEvent, 9), -1)
	},
	"client": func(string) {
		fd, _, _ := unix.Accept(3)
		_, _ = unix.Read(fd, make([]byte, 9))
	},
	"accept": func(string) { _, _, _ = unix.Accept(3) },
	"flock": func(argument string) {
		fd, _ := unix.Open(argument, unix.O_RDWR, 0)
		_ = unix.Flock(fd, unix.LOCK_EX)
	},
	"fifo": func(argument string) {
		fd, _ := unix.Open(argument, unix.O_RDWR, 0)
		_, _ = unix.Read(fd, make([]byte, 1))
	},
	"open": func(argument string) { _, _ = unix.Open(argument, unix.O_RDONLY, 0) },
	"pipe": func(string) {
		var p [2]int
		_ = unix.Pipe(p[:])
		_, _ = unix.Read(p[0], make([]byte, 1))
	},
	"client-recv": func(argument string) { // in a second thread, as a server with a thread for each client
		fd, _, _ := unix.Accept(3)
		go func() {
			runtime.LockOSThread()
			fd := connected(unix.AF_INET, unix.SOCK_STREAM, loopback(argument))
			_, _, _ = unix.Recvfrom(fd, make([]byte, 9), 0)
		}()
		_, _ = unix.Read(fd, make([]byte, 1))
	},
	"sleep": func(string) { _ = unix.Nanosleep(&unix.Timespec{Sec: 1000}, nil) },
	"loop": func(string) {
		for n := 0; ; n++ {
			_ = n
		}
	},
	"stop": func(string) { _ = unix.Kill(os.Getpid(), unix.SIGSTOP) },
	"handles": func(string) {
		signal.Notify(make(chan os.Signal, 1), unix.SIGUSR1)
		_ = unix.Nanosleep(&unix.Timespec{Sec: 1000}, nil)
	},
}

func play(role, argument string) {
	fmt.Println("ready")
	for {
		roles[role](argument)
	}
}

func loopback(port string) *unix.SockaddrInet4 {
	n, _ := strconv.Atoi(port)
	return &unix.SockaddrInet4{Port: n, Addr: [4]byte{127, 0, 0, 1}}
}

func connected(family, kind int, to unix.Sockaddr) int {
	fd, _ := unix.Socket(family, kind, 0)
	if err := unix.Connect(fd, to); err != nil {
		fmt.Println(err)
	}
	return fd
}

// start starts a worker in a role, with a listening socket as descriptor 3.
func start(t *testing.T, listener *os.File, program []string, role string) int {
	t.Helper()
	runtime.LockOSThread() // whose end is what the signal below is for
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Env = []string{roleVariable + "=" + role, "GORACE=atexit_sleep_ms=0"}
	cmd.ExtraFiles = []*os.File{listener}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it is killed in the end, unless this process is
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if s := bufio.NewScanner(out); !s.Scan() || s.Text() != "ready" {
		t.Fatalf("%s: the worker says %q", role, s.Text())
	}
	return cmd.Process.Pid
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// peers are those that do not answer.
type peers struct {
	listener     *os.File // of the service
	silent       string   // port of a server that accepts and says nothing
	full         string   // … of one that accepts nobody, and whose queue is full
	udp          string
	path         string // a Unix server that accepts nobody
	fullPath     string // … and whose queue is full
	file, fifo   string
	unopened     string // a FIFO that nobody has open
	locked       *os.File
	clientOf     string // address of a client of the service
	listenerPort string
}

func newPeers(t *testing.T) (p peers) {
	t.Helper()
	dir := t.TempDir()
	service := listen(t, unix.AF_INET, loopback("0"), 9)
	p.listener, p.listenerPort = service, portOf(t, service)
	server, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	_, p.silent, _ = net.SplitHostPort(server.Addr().String())
	full := listen(t, unix.AF_INET, loopback("0"), 0)
	p.full = portOf(t, full)
	datagrams, err := net.ListenPacket("udp4", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = datagrams.Close() })
	_, p.udp, _ = net.SplitHostPort(datagrams.LocalAddr().String())
	p.path, p.fullPath = filepath.Join(dir, "db"), filepath.Join(dir, "full")
	listen(t, unix.AF_UNIX, &unix.SockaddrUnix{Name: p.path}, 99)
	listen(t, unix.AF_UNIX, &unix.SockaddrUnix{Name: p.fullPath}, 0)
	fill(t, unix.AF_INET, loopback(p.full))
	fill(t, unix.AF_UNIX, &unix.SockaddrUnix{Name: p.fullPath})
	p.file, p.fifo = filepath.Join(dir, "lock"), filepath.Join(dir, "fifo")
	must(t, os.WriteFile(p.file, nil, 0o600))
	p.unopened = filepath.Join(dir, "unopened")
	must(t, unix.Mkfifo(p.fifo, 0o600))
	must(t, unix.Mkfifo(p.unopened, 0o600))
	p.locked, err = os.Open(p.file)
	must(t, err)
	must(t, unix.Flock(int(p.locked.Fd()), unix.LOCK_EX))
	t.Cleanup(func() { _ = p.locked.Close() })
	client, err := net.Dial("tcp4", "127.0.0.1:"+p.listenerPort)
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	p.clientOf = client.LocalAddr().String()
	return p
}

func listen(t *testing.T, family int, address unix.Sockaddr, backlog int) *os.File {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, unix.Bind(fd, address))
	must(t, unix.Listen(fd, backlog))
	f := os.NewFile(uintptr(fd), "listener")
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func portOf(t *testing.T, f *os.File) string {
	t.Helper()
	address, err := unix.Getsockname(int(f.Fd()))
	must(t, err)
	return strconv.Itoa(address.(*unix.SockaddrInet4).Port)
}

// fill connects until the queue has no room.
func fill(t *testing.T, family int, to unix.Sockaddr) {
	t.Helper()
	for range 8 {
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		must(t, err)
		t.Cleanup(func() { _ = unix.Close(fd) })
		_ = unix.Connect(fd, to)
	}
}

// TestLook: whatever a worker is stuck in is told, with the peer or the file.
func TestLook(t *testing.T) {
	p := newPeers(t)
	self := []string{"/proc/self/exe"}
	server := func(port string) string { return "127.0.0.1:" + port }
	l := New([]int{int(p.listener.Fd())})
	defer func() { must(t, l.Close()) }()
	tests := []struct {
		role     string
		kind     Kind
		call, on string
	}{
		{"client", Waits, "read", "its client " + p.clientOf},
		{"connect " + p.full, Waits, "connect", server(p.full)},
		{"connect-later " + p.full, Waits, "poll ppoll", server(p.full)},
		{"connect-unix " + p.fullPath, Waits, "connect", p.fullPath},
		{"recv " + p.silent, Waits, "recvfrom", server(p.silent)},
		{"recv-udp " + p.udp, Waits, "recvfrom", server(p.udp)},
		{"recv-unix " + p.path, Waits, "read", "a Unix socket"}, // nobody has accepted it
		{"select " + p.silent, Waits, "select pselect6", server(p.silent)},
		{"epoll " + p.silent, Waits, "epoll_wait epoll_pwait", server(p.silent)},
		{"flock " + p.file, Waits, "flock", p.file},
		{"fifo " + p.fifo, Waits, "read", p.fifo},
		{"open " + p.unopened, Waits, "openat", p.unopened},
		{"pipe", Waits, "read", "a pipe"},
		{"sleep", Sleeps, "nanosleep clock_nanosleep", ""},
		{"loop", Computes, "", ""},
		{"stop", Stopped, "", ""},
	}
	var questions []Question
	for _, test := range tests {
		pid := start(t, p.listener, self, test.role)
		l.settle(t, pid, test.call, test.kind)
		questions = append(questions, Question{PID: pid})
	}
	for i, a := range l.Look(questions) {
		test := tests[i]
		isCall := isOneOf(a.Call, test.call)
		if a.Kind != test.kind || test.call != "" && !isCall || test.call != "" && a.On != test.on || a.PID != questions[i].PID {
			t.Errorf("%s: %+v, want %d, %s, %s", test.role, a, test.kind, test.call, test.on)
		}
		if a.Over < measured || test.kind == Waits && a.CPU > a.Over/2 {
			t.Errorf("%s: %v of %v", test.role, a.CPU, a.Over)
		}
	}
}

// settle waits until a worker is where it stays.
func (l *Looker) settle(t *testing.T, pid int, calls string, kind Kind) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		d := l.picked(pid)
		if kind == Computes || kind == Stopped && d.state == 'T' || calls != "" && isOneOf(d.call, calls) {
			return
		}
	}
	t.Fatalf("worker %d is not in %s: %+v", pid, calls, l.doing(pid))
}

// picked is what the thread does that is told.
func (l *Looker) picked(pid int) doing {
	list := l.doing(pid)
	s := sockets{looker: l}
	s.want(list)
	s.ask()
	return s.pick(list)
}

// TestLookThreads: of a thread that waits for the next request of its client and one that
// waits for somebody else the other one has the request, whichever comes first.
func TestLookThreads(t *testing.T) {
	p := newPeers(t)
	l := New([]int{int(p.listener.Fd())})
	defer func() { must(t, l.Close()) }()
	pid := start(t, p.listener, []string{"/proc/self/exe"}, "client-recv "+p.silent)
	l.settle(t, pid, "recvfrom", Waits)
	for end := time.Now().Add(30 * time.Second); l.thread(pid, pid, true).call != "read"; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the first thread does %+v", l.thread(pid, pid, true))
		}
	}
	if a := l.Look([]Question{{PID: pid}})[0]; a.Call != "recvfrom" || a.On != "127.0.0.1:"+p.silent {
		t.Errorf("%+v, want recvfrom of port %s", a, p.silent)
	}
}

// TestLookUnix: the client of a Unix socket has no name, and is told by that of the socket.
func TestLookUnix(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "s"), fmt.Sprintf("@activity-test-%d", os.Getpid()), fmt.Sprintf("@activity\x00test-%d\x00", os.Getpid())} {
		address := &unix.SockaddrUnix{Name: name}
		listener := listen(t, unix.AF_UNIX, address, 9)
		l := New([]int{int(listener.Fd())})
		client := connected(unix.AF_UNIX, unix.SOCK_STREAM, address)
		pid := start(t, listener, []string{"/proc/self/exe"}, "client")
		l.settle(t, pid, "read", Waits)
		if a := l.Look([]Question{{PID: pid}})[0]; a.Call != "read" || a.On != "its client" {
			t.Errorf("%q: %+v, want read of its client", name, a)
		}
		must(t, l.Close())
		_ = unix.Close(client)
	}
}

func isOneOf(call, calls string) bool {
	return call != "" && slices.Contains(strings.Fields(calls), call)
}

// TestLookServant: a shell that waits for its only child is not what works; one that waits
// for several is told.
func TestLookServant(t *testing.T) {
	p := newPeers(t)
	l := New([]int{int(p.listener.Fd())})
	defer func() { must(t, l.Close()) }()
	pid := start(t, p.listener, []string{"/bin/sh", "-c", os.Args[0] + "; exit 0"}, "flock "+p.file)
	var children []int
	for end := time.Now().Add(30 * time.Second); len(children) == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		children, _ = procfs.Children(pid)
	}
	if len(children) != 1 {
		t.Fatalf("the shell has the children %v", children)
	}
	l.settle(t, children[0], "flock", Waits)
	if a := l.Look([]Question{{PID: pid}}); a[0].PID != children[0] || a[0].Call != "flock" || a[0].On != p.file {
		t.Errorf("%+v, want process %d in flock", a, children[0])
	}
	must(t, unix.Kill(children[0], unix.SIGKILL))
}

// TestLookSignal: whether a worker handles a signal is told, and a process that is not
// there, or that was asked about too often, is not seen.
func TestLookSignal(t *testing.T) {
	p := newPeers(t)
	l := New(nil)
	defer func() { must(t, l.Close()) }()
	with := start(t, p.listener, []string{"/proc/self/exe"}, "handles")
	for end := time.Now().Add(30 * time.Second); !procfs.Handles(with, unix.SIGUSR1) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	without := exec.Command("sleep", "1000") // Go's runtime handles most signals
	must(t, without.Start())
	t.Cleanup(func() { _ = without.Process.Kill(); _ = without.Wait() })
	a := l.Look([]Question{{with, unix.SIGUSR1}, {without.Process.Pid, unix.SIGUSR1}, {1 << 22, unix.SIGUSR1}})
	if !a[0].Catches || a[1].Catches || a[2].Catches || a[2].Kind != Unseen {
		t.Errorf("%+v", a)
	}
}

// TestLookAllowance: looks are bounded in what they cost.
func TestLookAllowance(t *testing.T) {
	l := New(nil)
	defer func() { must(t, l.Close()) }()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.allowance.Begin()
	var used unix.Timespec
	must(t, unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used))
	for end := used.Nano() + int64(20*nowait.MostSaved); used.Nano() < end; {
		must(t, unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used))
	}
	l.allowance.End()
	if a := l.Look([]Question{{PID: os.Getpid()}}); a[0].Kind != Unseen {
		t.Errorf("%+v after twice as much was used as there is", a)
	}
}

// BenchmarkLook is a look at a worker that waits for a peer.
func BenchmarkLook(b *testing.B) {
	l := New(nil)
	defer func() { _ = l.Close() }()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for b.Loop() {
		questions, answers, before := []Question{{PID: cmd.Process.Pid}}, make([]Activity, 1), make([]int64, 1)
		l.first(questions, answers, before)
		if answers[0].Kind == Unseen {
			b.Fatal(answers)
		}
	}
}
