package survivors

import (
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/worker"
)

// accept is a worker that knows nothing of signals: it has a listening socket on 3,
// and answers each connection when it was told to.
func accept() {
	var byDefault [4]uint64 // what Go's runtime has made of SIGTERM is taken back
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGTERM), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	_, _ = os.Stdout.WriteString("ready\n")
	for {
		fd, _, err := unix.Accept(3)
		if err != nil {
			os.Exit(1)
		}
		var b [1]byte
		_, _ = unix.Write(fd, []byte("?"))
		_, _ = unix.Read(fd, b[:])
		_, _ = unix.Write(fd, []byte("!"))
		_ = unix.Close(fd)
	}
}

// accepting starts such a worker, and returns a client that it holds.
func accepting(t *testing.T) (*exec.Cmd, net.Conn) {
	t.Helper()
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
	if err := unix.SetNonblock(int(f.Fd()), false); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program(t))
	cmd.Env = append(os.Environ(), envPlay+"=accept", worker.EnvGeneration+"=1", "LISTEN_FDS=1")
	cmd.ExtraFiles = []*os.File{f}
	begin(t, cmd)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	says(t, c, "?")
	return cmd, c
}

func says(t *testing.T, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Fatalf("%q, %v, want %q", b, err, want)
	}
}

// TestEndFree: a worker that SIGTERM would end in the midst of a request is ended
// when it is done.
func TestEndFree(t *testing.T) {
	w, client := accepting(t)
	left, err := leftOver(group(t, w.Process.Pid))
	if err != nil || len(left) != 1 || procfs.Catches(w.Process.Pid, unix.SIGTERM) {
		t.Fatalf("left over: %v, %v", pids(left), err)
	}
	_, abrupt, looker := divide(left)
	endFree(looker, abrupt, time.Now().Add(5*firstPause))
	if awaitAll(left, time.Now()) {
		t.Error("it is ended in the midst of a request")
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	says(t, client, "!")
	begin := time.Now()
	if err := end(left, time.Hour); err != nil || time.Since(begin) > time.Minute {
		t.Errorf("the end took %v, %v", time.Since(begin), err)
	}
}

// TestEndHolding: it is not waited for when half of the patience is over.
func TestEndHolding(t *testing.T) {
	w, client := accepting(t)
	left, err := leftOver(group(t, w.Process.Pid))
	if err != nil || len(left) != 1 {
		t.Fatalf("left over: %v, %v", pids(left), err)
	}
	begin := time.Now()
	if err := end(left, 600*time.Millisecond); err != nil || time.Since(begin) < 300*time.Millisecond {
		t.Errorf("it took %v, %v", time.Since(begin), err)
	}
	if b, err := io.ReadAll(client); len(b) != 0 {
		t.Errorf("it has answered %q, %v", b, err)
	}
}

// TestKillOnTERM: the service manager does not wait any longer, so nobody does.
func TestKillOnTERM(t *testing.T) {
	deaf := left(t, "deaf")
	found, err := leftOver(group(t, deaf.Process.Pid))
	if err != nil || len(found) != 1 {
		t.Fatalf("left over: %v, %v", pids(found), err)
	}
	defer closeAll(found)
	defer killOnTERM(found)()
	if err := unix.Kill(os.Getpid(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if !awaitAll(found, time.Now().Add(time.Minute)) {
		t.Error("it lives on")
	}
}

// TestDivide: who catches SIGTERM is asked, and so is everybody where no listening
// socket tells connections from others.
func TestDivide(t *testing.T) {
	meek := left(t, "meek")
	w, _ := accepting(t)
	both, err := leftOver(group(t, meek.Process.Pid, w.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(both)
	polite, abrupt, looker := divide(both)
	if !slices.Equal(pids(polite), []int{meek.Process.Pid}) || !slices.Equal(pids(abrupt), []int{w.Process.Pid}) || looker == nil {
		t.Errorf("asked: %v, looked at: %v", pids(polite), pids(abrupt))
	}
}
