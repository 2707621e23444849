package nowait

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// TestMain lets the test binary be a process that has done nothing else before.
func TestMain(m *testing.M) {
	if os.Getenv("THREADS_TEST") != "" {
		reserved()
		return
	}
	testutil.Main(m)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDescriptor: each call does what the one of package unix does.
func TestDescriptor(t *testing.T) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	must(t, err)
	poll, buf := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, make([]byte, 8)

	if n, err := Read(fd, buf); n != -1 || !errors.Is(err, unix.EAGAIN) {
		t.Errorf("read nothing: %d, %v", n, err)
	}
	if n, err := Poll(poll); n != 0 || err != nil {
		t.Errorf("poll nothing: %d, %v", n, err)
	}
	if n, err := Write(fd, []byte{7, 0, 0, 0, 0, 0, 0, 0}); n != 8 || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
	if n, err := Poll(poll); n != 1 || err != nil || poll[0].Revents != unix.POLLIN {
		t.Errorf("poll: %d, %v, %v", n, err, poll)
	}
	if n, err := Read(fd, buf); n != 8 || err != nil || buf[0] != 7 {
		t.Errorf("read: %d, %v, %v", n, err, buf)
	}
	must(t, Close(fd))
	if err := Close(fd); !errors.Is(err, unix.EBADF) {
		t.Errorf("close twice: %v", err)
	}
}

// TestReadShared waits for nobody although somebody has made the descriptor blocking.
func TestReadShared(t *testing.T) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	must(t, err)
	defer unix.Close(fd)
	buf := make([]byte, 8)
	if n, err := ReadShared(fd, buf); n != -1 || !errors.Is(err, unix.EAGAIN) {
		t.Errorf("read nothing: %d, %v", n, err)
	}
	_, err = unix.Write(fd, []byte{7, 0, 0, 0, 0, 0, 0, 0})
	must(t, err)
	if n, err := ReadShared(fd, buf); n != 8 || err != nil || buf[0] != 7 {
		t.Errorf("read: %d, %v, %v", n, err, buf)
	}
	if _, err := ReadShared(-1, buf); !errors.Is(err, unix.EBADF) {
		t.Errorf("nothing: %v", err)
	}
}

// TestSocket: a connection with its peer, and what it says.
func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	must(t, err)
	defer unix.Close(listener)
	must(t, unix.Bind(listener, &unix.SockaddrUnix{Name: path}))
	must(t, unix.Listen(listener, 1))
	var peer unix.RawSockaddrAny
	if _, err := Accept(listener, unix.SOCK_CLOEXEC, &peer); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("accept nobody: %v", err)
	}
	client, err := net.Dial("unix", path)
	must(t, err)
	defer client.Close()
	conn, err := Accept(listener, unix.SOCK_CLOEXEC, &peer)
	must(t, err)
	defer unix.Close(conn)
	if peer.Addr.Family != unix.AF_UNIX {
		t.Errorf("the peer is of family %d", peer.Addr.Family)
	}
	buf := make([]byte, 8)
	if _, err := Recv(conn, buf); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("receive nothing: %v", err)
	}
	for range 2 {
		_, err = client.Write([]byte("word"))
		must(t, err)
		header := unix.Msghdr{Iov: &unix.Iovec{Base: &buf[0], Len: 4}, Iovlen: 1}
		if n, err := Recvmsg(conn, &header, unix.MSG_PEEK); n != 4 || err != nil || string(buf[:4]) != "word" {
			t.Errorf("peek %d, %v, %q", n, err, buf)
		}
		if n, err := Recv(conn, buf); n != 4 || err != nil {
			t.Errorf("received %d, %v", n, err)
		}
	}
	var kind int32
	if size, err := Option(conn, unix.SOL_SOCKET, unix.SO_TYPE, &kind); size != 4 || err != nil || kind != unix.SOCK_STREAM {
		t.Errorf("type %d of %d bytes, %v", kind, size, err)
	}
	if _, err := Option(conn, unix.IPPROTO_TCP, unix.TCP_INFO, &kind); err == nil {
		t.Error("a Unix socket has TCP_INFO")
	}
}

// TestStat: the structures are those of package unix.
func TestStat(t *testing.T) {
	fd, err := unix.MemfdCreate("nowait", unix.MFD_CLOEXEC)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Ftruncate(fd, 12345))
	var got, want unix.Stat_t
	must(t, Stat(fd, &got))
	must(t, unix.Fstat(fd, &want))
	var gotFS, wantFS unix.Statfs_t
	must(t, StatFS(fd, &gotFS))
	must(t, unix.Fstatfs(fd, &wantFS))
	if got != want || gotFS != wantFS || got.Size != 12345 {
		t.Errorf("got %+v and %+v, want %+v and %+v", got, gotFS, want, wantFS)
	}
	if err := Stat(-1, &got); !errors.Is(err, unix.EBADF) {
		t.Errorf("nothing: %v", err)
	}
}

// TestReap takes one child, and no other.
func TestReap(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "read x; exit 3")
	in, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	pid := cmd.Process.Pid
	var status unix.WaitStatus
	if n, err := Reap(pid, &status); n != 0 || err != nil {
		t.Errorf("a living one: %d, %v", n, err)
	}
	must(t, in.Close())
	var info unix.Siginfo
	must(t, unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil))
	if n, err := Reap(pid, &status); n != pid || err != nil || !status.Exited() || status.ExitStatus() != 3 {
		t.Errorf("a dead one: %d, %v, %v", n, err, status)
	}
	if _, err := Reap(pid, &status); !errors.Is(err, unix.ECHILD) {
		t.Errorf("one that is gone: %v", err)
	}
	if err := cmd.Wait(); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("package exec found it, too: %v", err)
	}
	must(t, cmd.Process.Release())
}
