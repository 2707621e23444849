package loop

import (
	"errors"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// listens reports whether a client can connect.
func (w *world) listens() bool {
	w.t.Helper()
	addr, err := unix.Getsockname(w.listener)
	if err != nil {
		w.t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = unix.Close(fd) })
	return unix.Connect(fd, addr) == nil
}

// ends are the ways in which a holder of a listening socket can end its listening.
var ends = map[string]func(fd int) error{
	"shutdown both":    func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RDWR) },
	"shutdown reading": func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RD) },
	"disconnect": func(fd int) error {
		var unspecified [16]byte // AF_UNSPEC
		_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&unspecified[0])), 16)
		if errno != 0 {
			return errno
		}
		return nil
	},
}

// TestListensAgain: whether the socket is watched or not, with one start at a time or
// several, it listens again, a client starts a worker, and nothing spins (see turn).
func TestListensAgain(t *testing.T) {
	for name, end := range ends {
		for _, most := range []int{0, 4} {
			for _, watched := range []bool{true, false} {
				cfg := daemonRules(8)
				cfg.MaxStarting = most
				w := newWorld(t, cfg)
				if !watched {
					w.connect()
					w.turn() // one is starting, so nobody is watched for
					w.accept()
				}
				before := len(w.starts)
				if err := end(w.listener); err != nil {
					t.Fatal(name, err)
				}
				w.turn()
				if !w.listens() {
					t.Errorf("%s, %d, watched %t: clients are refused", name, most, watched)
				}
				w.turn()
				if text := w.logged.String(); strings.Count(text, "event=socket_down") != 1 || !strings.Contains(text, "socket=test.socket") {
					t.Errorf("%s: logged %s", name, text)
				}
				if s := w.loop.shown.snapshot(); s.Sockets[0].Fault != nil {
					t.Errorf("%s: fault %s", name, *s.Sockets[0].Fault)
				}
				if n := len(w.starts) - before; watched && n != 1 {
					t.Errorf("%s, %d: %d starts for the client", name, most, n)
				}
			}
		}
	}
}

// TestStaysDown: what cannot be made to listen again is said once, shown, tried each
// second, and starts nobody; once it can, all is as before.
func TestStaysDown(t *testing.T) {
	for _, most := range []int{0, 4} {
		cfg := daemonRules(8)
		cfg.MaxStarting = most
		w := newWorld(t, cfg)
		w.unlistenable = errors.New("not now")
		if err := unix.Shutdown(w.listener, unix.SHUT_RDWR); err != nil {
			t.Fatal(err)
		}
		w.turn()
		for range 3 {
			w.after(listenAgain)
		}
		if n := strings.Count(w.logged.String(), "event=socket_down"); n != 1 {
			t.Errorf("said %d times", n)
		}
		s := w.loop.shown.snapshot()
		if s.Sockets[0].Fault == nil || *s.Sockets[0].Fault != status.NotListening || *s.Sockets[0].Queue != 0 {
			t.Errorf("shown %+v", s.Sockets[0])
		}
		if severity, text := status.Check([]status.Service{s}, nil, 0); severity != status.Critical || !strings.Contains(text, "test.socket") {
			t.Errorf("checked %v: %s", severity, text)
		}
		if line := w.lines[len(w.lines)-1]; !strings.Contains(line, "SOCKET test.socket DOWN") {
			t.Errorf("told %q", line)
		}
		if len(w.starts) != 0 {
			t.Errorf("%d starts", len(w.starts))
		}
		w.unlistenable = nil
		w.after(listenAgain)
		if !w.listens() || w.loop.shown.snapshot().Sockets[0].Fault != nil {
			t.Error("it does not listen although it can")
		}
		w.turn()
		if len(w.starts) != 1 {
			t.Errorf("%d starts for the client", len(w.starts))
		}
		if w.condition().Watch == policy.WatchOff && most > 1 {
			t.Error("it is not watched any more")
		}
	}
}
