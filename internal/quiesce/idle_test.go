package quiesce

import (
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/internal/testutil"
)

// server is a worker that keeps its connection open. What it is sent says what it does;
// READS how it waits.
const server = `
import os, select, socket, time
listener = socket.socket(fileno=3)
listener.setblocking(True)
print("ready", flush=True)
c, _ = listener.accept()
if os.environ["READS"] == "poll":
    c.settimeout(1000)
while True:
    if os.environ["READS"] == "select":
        select.select([c, listener], [], [])
    if os.environ["READS"] == "epoll":
        e = select.epoll(); e.register(c, select.EPOLLIN); e.poll()
    b = c.recv(100)
    if b == b"half":
        continue
    if b == b"compute":
        time.sleep(1000)
    if b == b"child": # it ends with this process
        r, w = os.pipe()
        os.waitpid(os.posix_spawnp("cat", ["cat"], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, r, 0)]), 0)
    c.sendall(b"answer")
    if b == b"stream":
        time.sleep(1000)
`

func serve(t *testing.T, fd int, reads string) Process {
	t.Helper()
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	must(t, err)
	f := os.NewFile(uintptr(dup), "listener")
	defer f.Close()
	cmd := exec.Command(testutil.Program(t, "python3"), "-c", server)
	cmd.Env = append(os.Environ(), "READS="+reads)
	cmd.ExtraFiles = []*os.File{f}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	pid := cmd.Process.Pid
	t.Cleanup(func() {
		_ = unix.Kill(pid, unix.SIGKILL)
		_ = cmd.Wait()
	})
	_, err = io.ReadFull(out, make([]byte, len("ready\n")))
	must(t, err)
	pid = pythonOf(t, pid)
	pidfd, err := unix.PidfdOpen(pid, 0)
	must(t, err)
	t.Cleanup(func() { _ = unix.Close(pidfd) })
	return Process{pid, pidfd}
}

// pythonOf is the process itself: what is called python3 may be a script that ends in it.
func pythonOf(t *testing.T, pid int) int {
	t.Helper()
	pids, err := procfs.Children(pid)
	must(t, err)
	if len(pids) > 0 {
		return pids[0]
	}
	return pid
}

// TestIdle: in a drain a connection is no reason to wait if its client has nothing
// outstanding, and only then.
func TestIdle(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("how a thread waits is not known on this architecture")
	}
	for _, test := range []struct {
		reads, says string
		want        State
	}{
		{"recv", "whole", Free},
		{"poll", "whole", Free},
		{"select", "whole", Free},
		{"recv", "", Free},
		{"recv", "half", Holding},
		{"recv", "compute", Holding},
		{"recv", "stream", Holding},
		{"epoll", "whole", Holding}, // a timer cannot be told from it
	} {
		t.Run(test.reads+" "+test.says, func(t *testing.T) {
			t.Parallel()
			fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
			p := serve(t, fd, test.reads)
			client := connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
			l := New([]int{fd}, nil)
			defer l.Close()
			if test.says != "" {
				_, err := unix.Write(client, []byte(test.says))
				must(t, err)
			}
			if test.says == "whole" || test.says == "stream" {
				_, err := unix.Read(client, make([]byte, 6))
				must(t, err)
			}
			w := &worker{t: t}
			quiet(t, l, p)
			for _, draining := range []bool{false, true} {
				want := test.want
				if !draining {
					want = Holding
				}
				if got := w.ask(l, Question{Process: p, Draining: draining}); got != want {
					t.Errorf("draining %t: %v, want %v; %+v", draining, got, want, l.info())
				}
			}
			if test.want == Free {
				thenStopped(t, l, p, client)
			}
		})
	}
}

// quiet waits until nothing has moved for long enough.
func quiet(t *testing.T, l *Looker, p Process) {
	t.Helper()
	testutil.WaitFor(t, func() bool {
		l.idle.reset()
		held, err := l.Connections(p)
		must(t, err)
		if len(held) != 1 {
			return false
		}
		s, listed := l.info()[held[0].Inode]
		return listed && min(s.SinceReceived, s.SinceSent) >= idleLong
	}, "a connection that is idle")
}

// thenStopped: stopped, a worker is judged by what has come since it was looked at.
func thenStopped(t *testing.T, l *Looker, p Process, client int) {
	t.Helper()
	w := &worker{t: t}
	stop := func() {
		must(t, unix.Kill(p.PID, unix.SIGSTOP))
		for halted := false; !halted; {
			halted, _ = isStopped(p.PID)
		}
	}
	stop()
	if got := w.ask(l, Question{Process: p, Stopped: true, Draining: true}); got != Free {
		t.Errorf("stopped: %v, want free", got)
	}
	if got := w.ask(l, Question{Process: p, Stopped: true, Draining: true}); got != Holding {
		t.Errorf("stopped, and not looked at before: %v, want holding", got)
	}
	must(t, unix.Kill(p.PID, unix.SIGCONT))
	for deadline := time.Now().Add(10 * time.Second); w.ask(l, Question{Process: p, Draining: true}) != Free; {
		if time.Now().After(deadline) {
			t.Fatal("it does not wait again")
		}
	}
	stop()
	_, err := unix.Write(client, []byte("whole"))
	must(t, err)
	if got := w.ask(l, Question{Process: p, Stopped: true, Draining: true}); got != Holding {
		t.Errorf("with a request that has come since: %v, want holding", got)
	}
	must(t, unix.Kill(p.PID, unix.SIGCONT))
}

// TestIsIdle: what is outstanding, by the kernel's data alone.
func TestIsIdle(t *testing.T) {
	idle := sockdiag.TCPSocket{Info: true, Received: 10, Sent: 10, SinceReceived: idleFor + 8, SinceSent: idleFor}
	for name, change := range map[string]func(*sockdiag.TCPSocket){
		"unknown":          func(s *sockdiag.TCPSocket) { s.Info = false },
		"not read":         func(s *sockdiag.TCPSocket) { s.Unread = 1 },
		"not taken":        func(s *sockdiag.TCPSocket) { s.Unacked = 1 },
		"not answered":     func(s *sockdiag.TCPSocket) { s.SinceReceived, s.SinceSent = idleLong, idleLong+1 },
		"never answered":   func(s *sockdiag.TCPSocket) { s.Sent, s.SinceSent = 0, s.SinceReceived },
		"a moment ago":     func(s *sockdiag.TCPSocket) { s.SinceSent-- },
		"at the same tick": func(s *sockdiag.TCPSocket) { s.SinceSent = s.SinceReceived },
	} {
		s := idle
		if change(&s); isIdle(s) {
			t.Errorf("%s: %+v is idle", name, s)
		}
	}
	fresh := sockdiag.TCPSocket{Info: true, SinceReceived: idleFor, SinceSent: idleFor}
	late := idle
	late.SinceReceived, late.SinceSent = idleLong, idleLong
	for _, s := range []sockdiag.TCPSocket{idle, fresh, late} {
		if !isIdle(s) {
			t.Errorf("%+v is not idle", s)
		}
	}
}

// TestIdleUnix: what a client of a Unix socket has sent cannot be told from an answered
// request.
func TestIdleUnix(t *testing.T) {
	l, err := net.Listen("unix", t.TempDir()+"/s")
	must(t, err)
	defer l.Close()
	f, err := l.(*net.UnixListener).File()
	must(t, err)
	defer f.Close()
	p := serve(t, int(f.Fd()), "recv")
	c, err := net.Dial("unix", l.Addr().String())
	must(t, err)
	defer c.Close()
	_, err = c.Write([]byte("whole"))
	must(t, err)
	_, err = io.ReadFull(c, make([]byte, 6))
	must(t, err)
	looker := New([]int{int(f.Fd())}, nil)
	defer looker.Close()
	if got := (&worker{t: t}).ask(looker, Question{Process: p, Draining: true}); got != Holding {
		t.Errorf("%v, want holding", got)
	}
}

// TestUnheard: a worker that waits in accept(2) after its signal has not heard it.
func TestUnheard(t *testing.T) {
	fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	p := serve(t, fd, "recv")
	l := New([]int{fd}, nil)
	defer l.Close()
	w := &worker{t: t}
	expect := func(want State) {
		t.Helper()
		got := w.ask(l, Question{Process: p, Signalled: true})
		for deadline := time.Now().Add(10 * time.Second); got != want && time.Now().Before(deadline); {
			got = w.ask(l, Question{Process: p, Signalled: true})
		}
		if got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	expect(Free)
	connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
	expect(Busy) // in recv(2): it would hear
	other, _ := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	stranger := New([]int{other}, nil)
	defer stranger.Close()
	if got := w.ask(stranger, Question{Process: serve(t, fd, "recv"), Signalled: true}); got != Busy {
		t.Errorf("in accept(2) on a socket that is not ours: %v, want busy", got)
	}
}
