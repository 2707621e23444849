package inspect

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/testutil"
	"github.com/availd/availd/policy"
)

// The test binary plays a worker with a listening socket as descriptor 3, which accepts,
// forks a child that accepts, or closes, as it is told; or, with unshare, a process that
// has another network namespace than its listener.
const roleVariable = "INSPECT_TEST_ROLE"

// waits is what the roles of observer_test.go begin with.
const waits = "waits: "

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if how, is := strings.CutPrefix(role, waits); is {
		waitAs(how)
	}
	switch role {
	case "":
		testutil.Main(m)
	case "worker":
		work()
	case "elsewhere":
		lookElsewhere()
	case "crowd":
		playCrowd()
	}
}

func work() {
	fmt.Println("ready")
	conn := -1
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "accept":
			conn, _, _ = unix.Accept(3)
		case "close":
			_ = unix.Close(conn)
		case "database":
			conn, _ = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		case "fork":
			child := exec.Command("/proc/self/exe")
			child.Env = os.Environ()
			child.ExtraFiles = []*os.File{os.NewFile(3, "listener")}
			in, _ := child.StdinPipe()
			out, _ := child.StdoutPipe()
			_ = child.Start()
			lines := bufio.NewScanner(out)
			lines.Scan()
			_, _ = io.WriteString(in, "accept\n")
			lines.Scan()
		}
		fmt.Println("done")
	}
	os.Exit(0)
}

// lookElsewhere looks at the listeners it has got from a network namespace that is not theirs.
func lookElsewhere() {
	i := New([]int{3, 4}, nil)
	a := i.Look(Question{Lists: true})
	fmt.Println(a.Sockets[0], a.Queues[0].Oldest >= 0, a.Sockets[1], a.Queues[1].Oldest >= 0, a.Counted)
	os.Exit(0)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fileOf is a listener's descriptor.
func fileOf(t *testing.T, l net.Listener) *os.File {
	t.Helper()
	f, err := l.(interface{ File() (*os.File, error) }).File()
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func listen(t *testing.T, network, address string) (net.Listener, *os.File) {
	t.Helper()
	l, err := plain(network, address)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l, fileOf(t, l)
}

// plain listens without MPTCP, whose connections are in no list.
func plain(network, address string) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(context.Background(), network, address)
}

type worker struct {
	t   *testing.T
	pid int
	in  io.WriteCloser
	out *bufio.Scanner
}

func start(t *testing.T, listener *os.File) *worker {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{roleVariable + "=worker", "GORACE=atexit_sleep_ms=0"}
	cmd.ExtraFiles = []*os.File{listener}
	w := &worker{t: t}
	var err error
	w.in, err = cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	w.out = bufio.NewScanner(out)
	must(t, cmd.Start())
	w.pid = cmd.Process.Pid
	t.Cleanup(func() {
		_ = w.in.Close()
		_ = cmd.Wait()
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

// open makes an inspector whose allowance does not matter.
func open(t *testing.T, files ...*os.File) *Inspector {
	t.Helper()
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	i := New(fds, nil)
	t.Cleanup(func() { _ = i.diag.Close() })
	return i
}

func (i *Inspector) all(pids ...int) *Answer {
	i.lists, i.files = nowait.Allowance{Share: share}, nowait.Allowance{Share: share}
	return i.Look(Question{Workers: pids, Lists: true})
}

// TestLook: nobody accepts while clients wait; a worker that does is found, and so is the
// connection, until it is closed.
func TestLook(t *testing.T) {
	for _, test := range []struct{ network, address string }{
		{"tcp4", "127.0.0.1:0"},
		{"tcp4", "0.0.0.0:0"},
		{"tcp6", "[::1]:0"},
		{"tcp", "[::]:0"},
		{"unix", filepath.Join(t.TempDir(), "a")},
		{"unix", "@inspect-test-" + filepath.Base(t.TempDir())},
		{"unixpacket", filepath.Join(t.TempDir(), "b")},
	} {
		t.Run(test.network+" "+test.address, func(t *testing.T) {
			l, file := listen(t, test.network, test.address)
			i := open(t, file)
			aged := test.network[:3] == "tcp"
			w := start(t, file)
			w.do("database")
			a := i.all(w.pid)
			if a.Sockets[0] != policy.NobodySeen || a.Queues[0] != (Queue{LowerBound: !aged}) || len(a.Accepted) != 0 || a.Abandoned != 0 || a.Held != 0 || !a.Counted || len(a.Holders) != 0 || a.Blind {
				t.Fatalf("nobody came: %+v", a)
			}
			client, err := net.Dial(l.Addr().Network(), l.Addr().String())
			must(t, err)
			defer client.Close()
			want := policy.NobodySeen // others may have come before, and have been served
			for deadline := time.Now().Add(10 * time.Second); ; want = policy.NobodyAccepts {
				a = i.all(w.pid)
				if a.Sockets[0] != want || len(a.Holders) != 0 {
					t.Fatalf("it waits: %+v", a)
				}
				if q := a.Queues[0]; q.Waiting != 1 || q.LowerBound == aged {
					t.Fatalf("one waits: %+v", q)
				}
				if a.Queues[0].Oldest > 30*time.Millisecond {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("it does not get older: %+v", a)
				}
			}
			w.do("accept")
			waited := a.Queues[0].Oldest
			a = i.all(w.pid)
			if len(a.Accepted) != 1 || a.Accepted[0].Waited < waited || a.Accepted[0].Waited > waited+mostBetween || a.Accepted[0].LowerBound == aged || a.Abandoned != 0 {
				t.Errorf("it was accepted after %v: %+v, %d abandoned", waited, a.Accepted, a.Abandoned)
			}
			if a.Sockets[0] != policy.SomebodyAccepts || a.Held != 1 || len(a.Holders) != 1 || a.Holders[0].Worker != w.pid || a.Holders[0].Socket != 0 ||
				a.Holders[0].Connection == 0 || !slices.Equal(a.Seen, []int{w.pid}) {
				t.Errorf("it was accepted: %+v", a)
			}
			if a = i.all(); a.Sockets[0] != policy.NobodySeen || a.Held != 1 {
				t.Errorf("none since: %+v", a)
			}
			w.do("close")
			if a = i.all(w.pid); a.Sockets[0] != policy.NobodySeen || a.Held != 0 || len(a.Holders) != 0 {
				t.Errorf("it was closed: %+v", a)
			}
		})
	}
}

// TestLookChildren: a worker whose child accepts holds what that one holds.
func TestLookChildren(t *testing.T) {
	l, file := listen(t, "unix", filepath.Join(t.TempDir(), "a"))
	client, err := net.Dial("unix", l.Addr().String())
	must(t, err)
	defer client.Close()
	w := start(t, file)
	w.do("fork")
	if a := open(t, file).all(w.pid); len(a.Holders) != 1 || a.Holders[0].Socket != 0 || a.Sockets[0] != policy.SomebodyAccepts {
		t.Errorf("%+v", a)
	}
}

// TestLookOther: connections of another socket are none of ours, also on the same port
// of another address.
func TestLookOther(t *testing.T) {
	other, otherFile := listen(t, "tcp4", "127.0.0.2:0")
	ours, err := plain("tcp4", fmt.Sprintf("127.0.0.1:%d", other.Addr().(*net.TCPAddr).Port))
	for n := 0; err != nil && n < 100; n++ { // a port that is free at one address may be taken at another
		other, otherFile = listen(t, "tcp4", "127.0.0.2:0")
		ours, err = plain("tcp4", fmt.Sprintf("127.0.0.1:%d", other.Addr().(*net.TCPAddr).Port))
	}
	must(t, err)
	defer ours.Close()
	file := fileOf(t, ours)
	client, err := net.Dial("tcp4", other.Addr().String())
	must(t, err)
	defer client.Close()
	w := start(t, otherFile)
	w.do("accept")
	if a := open(t, file).all(); a.Sockets[0] != policy.NobodySeen || a.Held != 0 {
		t.Errorf("%+v", a)
	}
}

// TestLookElsewhere: a listener of another network namespace is not known, instead of one
// that nobody accepts on.
func TestLookElsewhere(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("another network namespace takes root")
	}
	_, tcp := listen(t, "tcp4", "127.0.0.1:0")
	_, local := listen(t, "unix", filepath.Join(t.TempDir(), "a"))
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{roleVariable + "=elsewhere", "GORACE=atexit_sleep_ms=0"}
	cmd.ExtraFiles = []*os.File{tcp, local}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	out, err := cmd.Output()
	if err != nil || string(out) != "0 false 0 false false\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestLookMultipath: what is in no list is not known.
func TestLookMultipath(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_MPTCP)
	if err != nil {
		t.Skip("this kernel has no MPTCP:", err)
	}
	defer unix.Close(fd)
	must(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(t, unix.Listen(fd, 1))
	i := New([]int{fd}, nil)
	defer i.diag.Close()
	if a := i.all(); a.Sockets[0] != policy.NotKnown || a.Queues[0].Oldest >= 0 || a.Counted {
		t.Errorf("%+v", a)
	}
}

// TestLookGone: a process that is not there says nothing, and does not make us blind.
func TestLookGone(t *testing.T) {
	_, file := listen(t, "tcp4", "127.0.0.1:0")
	if a := open(t, file).all(1 << 22); a.Blind || len(a.Holders) != 0 {
		t.Errorf("%+v", a)
	}
}

// TestAllowance: however often it is asked, lists take a hundredth of a processor.
func TestAllowance(t *testing.T) {
	_, file := listen(t, "tcp4", "127.0.0.1:0")
	i := open(t, file)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	looks, dearest := 0, time.Duration(0)
	var spent time.Duration
	begin := time.Now()
	for time.Since(begin) < 300*time.Millisecond || looks == 0 {
		before := threadTime()
		if a := i.Look(Question{Lists: true}); len(a.Sockets) > 0 {
			took := threadTime() - before
			looks, spent, dearest = looks+1, spent+took, max(dearest, took)
		}
	}
	if most := nowait.MostSaved + time.Since(begin)/share + 2*dearest; spent > most {
		t.Errorf("%d lists took %v, want %v at most", looks, spent, most)
	}
}

func threadTime() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}

// TestAsk answers from another goroutine, and ends with the inspector.
func TestAsk(t *testing.T) {
	_, file := listen(t, "tcp4", "127.0.0.1:0")
	i := New([]int{int(file.Fd())}, nil)
	answers := make(chan *Answer)
	for range 3 {
		i.Ask(Question{Lists: true}, func(a *Answer) { answers <- a })
		if a := <-answers; len(a.Sockets) != 1 {
			t.Errorf("%+v", a)
		}
	}
	i.Close()
}
