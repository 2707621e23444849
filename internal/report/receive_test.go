package report_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/leak"
	"github.com/availd/availd/internal/report"
)

func TestReceiveSaysEmpty(t *testing.T) {
	s := listen(t, "")
	m := report.Message{PID: 1}
	if err := s.Receive(&m); !errors.Is(err, report.ErrEmpty) {
		t.Fatalf("got %v, want ErrEmpty", err)
	}
	if m != (report.Message{PID: 1}) {
		t.Errorf("message was changed: %+v", m)
	}
}

func TestReceiveNamesTheChild(t *testing.T) {
	s := listen(t, "")
	child := startSender(t, s.Address(), "X_AVAILD=busy\nSTATUS=one")
	inode := pidfdInode(t, child.Process.Pid)
	child.sendAndExit(t) // a dead sender, reaped before its datagram is read

	m := receive(t, s)
	want := report.Message{
		PID: child.Process.Pid, UID: uint32(os.Getuid()), Inode: inode,
		Avail: report.Busy, Jobs: -1, Done: -1, Status: "one", HasStatus: true,
	}
	if m != want {
		t.Errorf("got  %+v\nwant %+v", m, want)
	}
}

// pidfdInode returns the number by which the kernel knows a process, or 0
// where it has none.
func pidfdInode(t *testing.T, pid int) uint64 {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	must(t, err)
	defer unix.Close(fd)
	var fs unix.Statfs_t
	must(t, unix.Fstatfs(fd, &fs))
	if fs.Type != unix.PID_FS_MAGIC {
		return 0
	}
	var st unix.Stat_t
	must(t, unix.Fstat(fd, &st))
	return uint64(st.Ino)
}

// TestReceiveInDoubt: the kernel is asked for the process until all is read, and
// again after the next birth; for ever where somebody else collects workers.
func TestReceiveInDoubt(t *testing.T) {
	s := listen(t, "")
	self := pidfdInode(t, os.Getpid())
	var m report.Message
	hear := func(situation string, inode uint64) {
		t.Helper()
		before := len(leak.Files())
		must(t, send(s.Address(), []byte("READY=1"), 0, 1))
		if m := receive(t, s); m.Inode != inode || !m.Ready || m.PID != os.Getpid() || m.Malformed != "" {
			t.Errorf("%s: got %+v, want READY with inode %d", situation, m, inode)
		}
		if after := len(leak.Files()); after != before {
			t.Errorf("%s: %d descriptors open, %d before", situation, after, before)
		}
	}
	hear("new", self)
	hear("not empty yet", self)
	if err := s.Receive(&m); !errors.Is(err, report.ErrEmpty) {
		t.Fatal(err)
	}
	hear("all was read", 0)
	s.Doubt()
	hear("after a birth", self)
	_ = s.Receive(&m)
	hear("all was read again", 0)
	s.DoubtAlways()
	_ = s.Receive(&m)
	s.Doubt()
	_ = s.Receive(&m)
	hear("for ever", self)
}

func TestReceiveInOrder(t *testing.T) {
	s := listen(t, "")
	for _, b := range []string{"X_AVAILD_DONE=1", "X_AVAILD_DONE=2", "X_AVAILD_DONE=3"} {
		must(t, send(s.Address(), []byte(b)))
	}
	for want := 1; want <= 3; want++ {
		if m := receive(t, s); m.Done != want || m.PID != os.Getpid() {
			t.Errorf("got %+v, want number %d of this process", m, want)
		}
	}
}

func TestReceiveClosesDescriptors(t *testing.T) {
	s := listen(t, "")
	fds := make([]int, 253)
	for i := range fds {
		fds[i] = 2
	}
	before := len(leak.Files())
	must(t, send(s.Address(), []byte("READY=1\nX_AVAILD=idle"), fds...))
	m := receive(t, s)
	if after := len(leak.Files()); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
	if !m.Ready || m.PID != os.Getpid() {
		t.Errorf("got %+v, want READY of this process", m)
	}
	if want := pidfdInode(t, os.Getpid()); m.Inode != want {
		t.Errorf("inode %d, want %d beside all those descriptors", m.Inode, want)
	}
}

func TestReceiveAnswersBarrier(t *testing.T) {
	s := listen(t, "")
	var p [2]int
	must(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	defer unix.Close(p[0])
	must(t, send(s.Address(), []byte("BARRIER=1"), p[1]))
	must(t, unix.Close(p[1]))
	if m := receive(t, s); !m.Barrier {
		t.Errorf("got %+v, want a barrier", m)
	}
	// All write ends are closed now: the end of file is there at once.
	poll := []unix.PollFd{{Fd: int32(p[0])}}
	if n, err := unix.Poll(poll, 0); n != 1 || poll[0].Revents&unix.POLLHUP == 0 {
		t.Errorf("poll = %d, %v, events %#x: the barrier is not answered", n, err, poll[0].Revents)
	}
}

func TestReceiveWithoutFreeDescriptors(t *testing.T) {
	s := listen(t, "")
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
}

func TestReceiveMalformed(t *testing.T) {
	for name, test := range map[string]struct{ datagram, want string }{
		"longest":   {"READY=1\n" + strings.Repeat("x", 4096-8), ""},
		"truncated": {"READY=1\n" + strings.Repeat("x", 4096-7), "longer than 4096 bytes"},
		"huge":      {strings.Repeat("READY=1\n", 12500), "longer than 4096 bytes"},
		"empty":     {"", "empty"},
		"binary":    {"\x7fELF\x00\x00\x01", "not text"},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, "")
			before := len(leak.Files())
			must(t, send(s.Address(), []byte(test.datagram), 0))
			m := receive(t, s)
			if m.Malformed != test.want || m.Ready != (test.want == "") {
				t.Errorf("got %+v, want malformed %q", m, test.want)
			}
			if m.PID != os.Getpid() {
				t.Errorf("pid %d, want ours: whom else to blame", m.PID)
			}
			if after := len(leak.Files()); after != before {
				t.Errorf("%d descriptors open, %d before", after, before)
			}
		})
	}
}

func TestReceiveAfterClose(t *testing.T) {
	s := listen(t, "")
	must(t, s.Close())
	var m report.Message
	if err := s.Receive(&m); !errors.Is(err, unix.EBADF) {
		t.Errorf("got %v, want EBADF", err)
	}
}

func TestReceiveAllocatesNothing(t *testing.T) {
	s := listen(t, "")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Connect(fd, &unix.SockaddrUnix{Name: s.Address()}))
	busy := []byte("X_AVAILD=busy\nX_AVAILD_JOBS=1\n")
	var m report.Message
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := unix.Write(fd, busy); err != nil {
			t.Fatal(err)
		}
		if err := s.Receive(&m); err != nil || m.Avail != report.Busy {
			t.Fatal(m, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per busy report, want 0", n)
	}
}

func BenchmarkReceive(b *testing.B) {
	s, err := report.Listen("")
	must(b, err)
	defer s.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(b, err)
	defer unix.Close(fd)
	must(b, unix.Connect(fd, &unix.SockaddrUnix{Name: s.Address()}))
	busy := []byte("X_AVAILD=busy\n")
	var m report.Message
	b.ReportAllocs()
	for b.Loop() {
		_, err := unix.Write(fd, busy)
		must(b, err)
		must(b, s.Receive(&m))
	}
}
