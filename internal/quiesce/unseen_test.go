package quiesce

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// hide puts the connection of the worker that the test binary plays where it is not
// among its descriptors.
func hide(how string, conn int) {
	switch how {
	case "thread": // into the table of another thread
		done := make(chan error)
		go func() {
			runtime.LockOSThread()
			done <- unix.Unshare(unix.CLONE_FILES)
			select {}
		}()
		if err := <-done; err != nil {
			fmt.Println(err)
		}
		_ = unix.Close(conn)
	case "send": // on the way from one end of a socket pair to the other
		pair, _ := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		_ = unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(conn), nil, 0)
		_ = unix.Close(conn)
	case "child": // to a process that has no listening socket
		child := exec.Command("/proc/self/exe")
		child.Env = os.Environ()
		child.ExtraFiles = []*os.File{os.NewFile(uintptr(conn), "connection")}
		child.Stdin = os.Stdin
		_ = child.Start()
		_ = unix.Close(conn)
	case "ring", "empty ring":
		var params [120]byte // struct io_uring_params
		ring, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 8, uintptr(unsafe.Pointer(&params)), 0)
		if errno != 0 {
			fmt.Println(errno)
			return
		}
		if how == "ring" {
			const registerFiles = 2
			files := []int32{int32(conn)}
			if _, _, errno = unix.Syscall6(unix.SYS_IO_URING_REGISTER, ring, registerFiles, uintptr(unsafe.Pointer(&files[0])), 1, 0, 0); errno != 0 {
				fmt.Println(errno)
			}
			_ = unix.Close(conn)
		}
	}
}

// TestLookHidden: a connection need not be among the descriptors of its process.
func TestLookHidden(t *testing.T) {
	for _, how := range []string{"thread", "send", "child", "ring"} {
		for _, mayTake := range []bool{true, false} {
			t.Run(fmt.Sprint(how, " ", mayTake), func(t *testing.T) {
				fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
				l := New([]int{fd}, nil)
				defer l.Close()
				l.mayTake = mayTake
				w := start(t, fd)
				if s := w.look(l); s != Free {
					t.Errorf("before: %v, want free", s)
				}
				connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
				w.do("accept")
				if !w.does(how) {
					t.Skip("this kernel does not let it")
				}
				if s := w.look(l); s != Holding {
					t.Errorf("%v, want holding", s)
				}
			})
		}
	}
}

// does is do for what the kernel may refuse.
func (w *worker) does(what string) bool {
	w.t.Helper()
	_, err := io.WriteString(w.in, what+"\n")
	must(w.t, err)
	if w.out.Scan(); w.out.Text() == "done" {
		return true
	}
	w.hear("done")
	return false
}

// TestLookRing: an io_uring that has nothing is no reason to keep its process.
func TestLookRing(t *testing.T) {
	fd, _ := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	l := New([]int{fd}, nil)
	defer l.Close()
	w := start(t, fd)
	if !w.does("empty ring") {
		t.Skip("this kernel has no io_uring")
	}
	if s := w.look(l); s != Free {
		t.Errorf("%v, want free", s)
	}
}

// TestKinds: what is not known to be harmless counts.
func TestKinds(t *testing.T) {
	l := New(nil, nil)
	defer l.Close()
	for link, want := range map[string]kind{
		"/dev/null": harmless, "/memfd:x (deleted)": harmless, "pipe:[7]": harmless, "anon_inode:[eventpoll]": harmless,
		"anon_inode:[something new]": unknown, "anon_inode:kvm-vm": unknown, "tomorrow:[1]": unknown, "": unknown,
	} {
		if got := l.kind(Process{1, -1}, file{link: link}); got != want {
			t.Errorf("%q: %v, want %v", link, got, want)
		}
	}
	for protocol, want := range map[string]kind{"": unknown, "KCM": unknown, "SMC": unknown, "NETLINK": harmless, "UDP": harmless} {
		if got := l.byProtocol(protocol); got != want {
			t.Errorf("a socket of protocol %q: %v, want %v", protocol, got, want)
		}
	}
}

// TestForeignProc: in the /proc of another pid namespace a number means another process.
func TestForeignProc(t *testing.T) {
	fd, _ := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	l := New([]int{fd}, nil)
	defer l.Close()
	if !l.proc {
		t.Fatal("this /proc is another's")
	}
	w := start(t, fd)
	l.proc = false
	if s := w.ask(l, Question{Process: w.process()}); s != Denied {
		t.Errorf("%v, want denied", s)
	}
	if _, err := l.Connections(w.process()); err == nil {
		t.Error("its connections are told")
	}
}

// elsewhere is a process in a network namespace of its own: it makes a listening
// socket there, or connects, and keeps what it has.
func elsewhere() {
	fmt.Println("ready")
	fd := -1
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		what, where, _ := strings.Cut(in.Text(), " ")
		var err error
		switch what {
		case "up":
			err = loopbackUp()
		case "listen":
			if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
				_ = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
				err = unix.Listen(fd, 16)
			}
		case "connect":
			var client int
			if client, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
				var sa unix.Sockaddr
				if sa, err = unix.Getsockname(fd); err == nil {
					err = unix.Connect(client, sa)
				}
			}
		case "unix":
			var client int
			if client, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
				err = unix.Connect(client, &unix.SockaddrUnix{Name: where})
			}
		}
		fmt.Println(fd, err)
	}
	os.Exit(0)
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}

// otherNamespace starts such a process.
func otherNamespace(t *testing.T) *worker {
	t.Helper()
	w := &worker{t: t, cmd: exec.Command("/proc/self/exe")}
	w.cmd.Env = []string{roleVariable + "=elsewhere", "GORACE=atexit_sleep_ms=0"}
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		w.cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	}
	var err error
	w.in, err = w.cmd.StdinPipe()
	must(t, err)
	out, err := w.cmd.StdoutPipe()
	must(t, err)
	w.out = bufio.NewScanner(out)
	if err := w.cmd.Start(); err != nil {
		if testutil.Required() {
			t.Fatal(err)
		}
		t.Skip("no network namespace to try it in:", err)
	}
	t.Cleanup(func() {
		_ = w.in.Close()
		_ = w.cmd.Wait()
	})
	w.hear("ready")
	return w
}

// tell has it do something, and returns the descriptor that it names.
func (w *worker) tell(what string) (fd int) {
	w.t.Helper()
	_, err := io.WriteString(w.in, what+"\n")
	must(w.t, err)
	w.out.Scan()
	var failure string
	if _, err := fmt.Sscan(w.out.Text(), &fd, &failure); err != nil || failure != "<nil>" {
		w.t.Fatalf("%s: %q", what, w.out.Text())
	}
	return fd
}

// TestLookOtherNetwork: a listening socket of another network namespace, as of a
// service with PrivateNetwork=, has connections that cannot be listed here.
func TestLookOtherNetwork(t *testing.T) {
	other := otherNamespace(t)
	other.tell("up")
	number := other.tell("listen")
	pidfd, err := unix.PidfdOpen(other.cmd.Process.Pid, 0)
	must(t, err)
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, number, 0)
	must(t, err)
	defer unix.Close(fd)
	_, database := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	for _, mayTake := range []bool{true, false} {
		w := start(t, fd)
		withDatabase := start(t, fd, connect(t, unix.AF_INET, unix.SOCK_STREAM, database))
		for _, l := range []*Looker{New([]int{fd}, nil), of(w, mayTake)} {
			l.mayTake = mayTake
			if s := w.look(l); s != Free {
				t.Errorf("before: %v, want free", s)
			}
			other.tell("connect")
			w.do("accept")
			if s := w.look(l); s != Holding {
				t.Errorf("with a client: %v, want holding", s)
			}
			w.do("close")
			if s := w.look(l); s != Free {
				t.Errorf("after it: %v, want free", s)
			}
			want := Free
			if !mayTake {
				want = Holding // it cannot be told
			}
			if s := withDatabase.look(l); s != want {
				t.Errorf("with a connection of our network: %v, want %v", s, want)
			}
			must(t, l.Close())
		}
	}
}

// of is Of with what is left where no copies can be made.
func of(w *worker, mayTake bool) *Looker {
	p := w.process()
	if !mayTake {
		p.FD = -1
	}
	return Of(p, 3, 1)
}

// TestLookOtherClient: the connection of a client in another network namespace to a
// Unix socket of ours is of that one.
func TestLookOtherClient(t *testing.T) {
	other := otherNamespace(t)
	path := filepath.Join(t.TempDir(), "s")
	fd, _ := listen(t, unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: path})
	for _, mayTake := range []bool{true, false} {
		l := New([]int{fd}, nil)
		l.mayTake = mayTake
		w := start(t, fd)
		if s := w.look(l); s != Free {
			t.Errorf("before: %v, want free", s)
		}
		other.tell("unix " + path)
		w.do("accept")
		if s := w.look(l); s != Holding {
			t.Errorf("with a client: %v, want holding", s)
		}
		held, err := l.Connections(w.process())
		if err != nil || len(held) != 1 || held[0].Sure != mayTake {
			t.Errorf("it holds %+v, %v", held, err)
		}
		w.do("close")
		if s := w.look(l); s != Free {
			t.Errorf("after it: %v, want free", s)
		}
		must(t, l.Close())
	}
}
