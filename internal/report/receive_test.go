package report_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/testutil"
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
	if age := time.Since(time.Unix(0, m.Sent)); age < 0 || age > time.Minute {
		t.Errorf("sent %v ago", age)
	}
	want := report.Message{
		PID: child.Process.Pid, UID: uint32(os.Getuid()), Inode: inode, Sent: m.Sent,
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
// again after the next start; for ever where somebody else collects workers.
func TestReceiveInDoubt(t *testing.T) {
	s := listen(t, "")
	self := pidfdInode(t, os.Getpid())
	var m report.Message
	hear := func(situation string, inode uint64) {
		t.Helper()
		before := len(testutil.Files())
		must(t, send(s.Address(), []byte("READY=1")))
		if m := receive(t, s); m.Inode != inode || !m.Ready || m.PID != os.Getpid() || m.Malformed != "" {
			t.Errorf("%s: got %+v, want READY with inode %d", situation, m, inode)
		}
		if after := len(testutil.Files()); after != before {
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
	hear("after a start", self)
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
			before := len(testutil.Files())
			must(t, send(s.Address(), []byte(test.datagram)))
			m := receive(t, s)
			if m.Malformed != test.want || m.Ready != (test.want == "") {
				t.Errorf("got %+v, want malformed %q", m, test.want)
			}
			if m.PID != os.Getpid() {
				t.Errorf("pid %d, want ours: whom else to blame", m.PID)
			}
			if after := len(testutil.Files()); after != before {
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
