package report_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/testutil"
)

func TestListenInvents(t *testing.T) {
	a, b := listen(t, ""), listen(t, "")
	if a.Address() == b.Address() || !regexp.MustCompile(`^@availd/notify/[0-9a-f]{32}$`).MatchString(a.Address()) {
		t.Errorf("addresses %q and %q", a.Address(), b.Address())
	}
}

func TestListenAbstract(t *testing.T) {
	name := "@report-test/" + filepath.Base(t.TempDir()) + t.Name()
	s := listen(t, name)
	must(t, send(name, []byte("READY=1")))
	if m := receive(t, s); s.Address() != name || !m.Ready {
		t.Errorf("address %q got %+v", s.Address(), m)
	}
	if _, err := report.Listen(name); !errors.Is(err, report.ErrInUse) {
		t.Errorf("second socket of the name: %v, want ErrInUse", err)
	}
	must(t, s.Remove())
}

func TestListenPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	defer unix.Umask(unix.Umask(0o077))
	s := listen(t, path)
	st, err := os.Stat(path)
	must(t, err)
	if want := os.ModeSocket | 0o666; st.Mode() != want {
		t.Errorf("mode %v, want %v", st.Mode(), want)
	}
	must(t, send(s.Address(), []byte("READY=1")))
	if m := receive(t, s); !m.Ready {
		t.Errorf("got %+v", m)
	}
	must(t, s.Close())
	must(t, s.Close())
	if _, err := os.Stat(path); err != nil {
		t.Errorf("Close took the path: %v", err)
	}
	must(t, s.Remove())
	must(t, s.Remove())
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Remove left the path: %v", err)
	}
}

func TestListenSetsFlags(t *testing.T) {
	s := listen(t, "")
	flags, err := unix.FcntlInt(uintptr(s.FD()), unix.F_GETFL, 0)
	must(t, err)
	cloexec, err := unix.FcntlInt(uintptr(s.FD()), unix.F_GETFD, 0)
	must(t, err)
	if flags&unix.O_NONBLOCK == 0 || cloexec != unix.FD_CLOEXEC {
		t.Errorf("flags %#x, descriptor flags %#x", flags, cloexec)
	}
}

func TestListenReplacesTheDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	dead, err := report.Listen(path)
	must(t, err)
	must(t, dead.Close())
	s := listen(t, path)
	must(t, send(path, []byte("READY=1")))
	if m := receive(t, s); !m.Ready {
		t.Errorf("got %+v", m)
	}
}

func TestListenLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	live := listen(t, filepath.Join(dir, "live"))
	stream, err := net.Listen("unix", filepath.Join(dir, "stream"))
	must(t, err)
	defer stream.Close()
	must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("data"), 0o600))
	must(t, os.Symlink("file", filepath.Join(dir, "link")))

	for name, want := range map[string]error{"live": report.ErrInUse, "stream": report.ErrInUse, "file": nil, "link": nil} {
		path := filepath.Join(dir, name)
		before := len(testutil.Files())
		if s, err := report.Listen(path); err == nil {
			s.Close()
			t.Errorf("%s: no error", name)
		} else if want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s is gone: %v", name, err)
		}
		if after := len(testutil.Files()); after != before {
			t.Errorf("%s: %d descriptors open, %d before", name, after, before)
		}
	}
	must(t, send(live.Address(), []byte("READY=1")))
	receive(t, live)
}

func TestListenLengths(t *testing.T) {
	dir := t.TempDir()
	fit := filepath.Join(dir, strings.Repeat("x", 107-len(dir)-1))
	listen(t, fit)
	listen(t, "@"+fit[1:])
	for _, path := range []string{fit + "x", "@" + fit} {
		if _, err := report.Listen(path); !errors.Is(err, report.ErrPathTooLong) {
			t.Errorf("%d bytes: %v, want ErrPathTooLong", len(path), err)
		}
	}
	if _, err := report.Listen("notify"); err == nil {
		t.Error("a relative path was taken")
	}
}

func TestAdopt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	for _, address := range []string{path, ""} {
		old := listen(t, address)
		kept, err := unix.Dup(old.FD()) // as from the store: not close-on-exec
		must(t, err)
		must(t, send(old.Address(), []byte("X_AVAILD_DONE=5"))) // waits while nobody is there
		must(t, old.Close())
		s, err := report.Adopt(kept)
		must(t, err)
		if s.Address() != old.Address() {
			t.Errorf("address %q, want %q", s.Address(), old.Address())
		}
		if m := receive(t, s); m.Done != 5 || m.PID != os.Getpid() {
			t.Errorf("got %+v", m)
		}
		if flags, _ := unix.FcntlInt(uintptr(s.FD()), unix.F_GETFD, 0); flags != unix.FD_CLOEXEC {
			t.Error("not close-on-exec")
		}
		must(t, s.Close())
	}
}

func TestAdoptRefuses(t *testing.T) {
	dir := t.TempDir()
	socket := func(kind int, address string) int {
		fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		if address != "" {
			must(t, unix.Bind(fd, &unix.SockaddrUnix{Name: address}))
		}
		return fd
	}
	gone := socket(unix.SOCK_DGRAM, filepath.Join(dir, "gone"))
	must(t, os.Remove(filepath.Join(dir, "gone")))
	udp, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	var pipe [2]int
	must(t, unix.Pipe2(pipe[:], unix.O_CLOEXEC))
	defer unix.Close(pipe[1])

	for name, fd := range map[string]int{
		"stream": socket(unix.SOCK_STREAM, filepath.Join(dir, "stream")), "unbound": socket(unix.SOCK_DGRAM, ""),
		"path removed": gone, "udp": udp, "pipe": pipe[0],
	} {
		if s, err := report.Adopt(fd); err == nil {
			s.Close()
			t.Errorf("%s: no error", name)
		} else if name == "path removed" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v, want os.ErrNotExist", name, err)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
			t.Errorf("%s: descriptor is still open", name)
		}
	}
}
