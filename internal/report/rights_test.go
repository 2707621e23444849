package report_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/testutil"
)

// refuses reports whether this kernel can refuse descriptors (Linux 6.16).
func refuses(t *testing.T) bool {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSRIGHTS, 0) == nil
}

// TestReceiveRefusesDescriptors: the sender is told so, nothing arrives, and what comes
// without descriptors does.
func TestReceiveRefusesDescriptors(t *testing.T) {
	if !refuses(t) {
		t.Skip("this kernel cannot refuse descriptors: TestReceiveClosesDescriptors is for it")
	}
	made := listen(t, "")
	kept, err := unix.Dup(made.FD())
	must(t, err)
	must(t, unix.SetsockoptInt(kept, unix.SOL_SOCKET, unix.SO_PASSRIGHTS, 1)) // as an older availd leaves it
	adopted, err := report.Adopt(kept)
	must(t, err)
	defer adopted.Close()
	for name, s := range map[string]*report.Socket{"new": made, "adopted": adopted} {
		if err := send(s.Address(), []byte("BARRIER=1"), 0); !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: a descriptor is sent with %v, want EPERM", name, err)
		}
		must(t, send(s.Address(), []byte("READY=1")))
		if m := receive(t, s); !m.Ready || m.Barrier {
			t.Errorf("%s: got %+v, want READY alone", name, m)
		}
	}
}

// before616 runs a test with a socket that gets descriptors.
func before616(t *testing.T, f func(t *testing.T, s *report.Socket)) {
	t.Helper()
	report.WithoutPassRights(t, func(t *testing.T) { f(t, listen(t, "")) })
}

// waitClosed returns when nobody holds the pipe's other end.
func waitClosed(t *testing.T, fd int) {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd)}}, 30_000)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n != 1 {
			t.Errorf("poll = %d, %v: the descriptor is still open", n, err)
		}
		return
	}
}

// TestReceiveClosesDescriptors of a sender, however many, beside its pidfd; that of a
// barrier is its answer.
func TestReceiveClosesDescriptors(t *testing.T) {
	before616(t, func(t *testing.T, s *report.Socket) {
		for _, text := range []string{"READY=1\nX_AVAILD=idle", "BARRIER=1"} {
			var p [2]int
			must(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
			fds := make([]int, 253)
			for i := range fds {
				fds[i] = p[1]
			}
			must(t, send(s.Address(), []byte(text), fds...))
			must(t, unix.Close(p[1]))
			m := receive(t, s)
			if m.Ready == m.Barrier || m.PID != os.Getpid() {
				t.Errorf("got %+v, want %q of this process", m, text)
			}
			if want := pidfdInode(t, os.Getpid()); m.Inode != want {
				t.Errorf("inode %d, want %d beside all those descriptors", m.Inode, want)
			}
			waitClosed(t, p[0])
			must(t, unix.Close(p[0]))
		}
	})
}

// TestReceiveWithoutFreeDescriptors: the report is read all the same.
func TestReceiveWithoutFreeDescriptors(t *testing.T) {
	before616(t, func(t *testing.T, s *report.Socket) {
		must(t, send(s.Address(), []byte("X_AVAILD=busy"), 0, 1, 2))
		var old unix.Rlimit
		must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
		must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: old.Max}))
		var m report.Message
		err := s.Receive(&m)
		must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old))
		must(t, err)
		if m.PID != os.Getpid() || m.Avail != report.Busy || m.Inode != 0 || m.Malformed != "" {
			t.Errorf("got %+v, want busy of this process without an inode", m)
		}
	})
}

// TestReceiveKeepsNone: what was sent to an older availd is closed, too.
func TestReceiveKeepsNone(t *testing.T) {
	before616(t, func(t *testing.T, s *report.Socket) {
		before := len(testutil.Files())
		must(t, send(s.Address(), []byte("READY=1"), 0, 1, 2))
		if m := receive(t, s); !m.Ready {
			t.Errorf("got %+v, want READY", m)
		}
		testutil.WaitFor(t, func() bool { return len(testutil.Files()) == before }, before, " open descriptors, as before")
	})
}
