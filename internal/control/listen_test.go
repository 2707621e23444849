package control

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestListenIsForTheOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	l, err := listener(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", st.Mode(), err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	old, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	old.(*net.UnixListener).SetUnlinkOnClose(false) // as a killed availd leaves it
	_ = old.Close()
	l, err := listener(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if c, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else {
		_ = c.Close()
	}
}

func TestLiveSocketIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	first, err := listener(path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if l, err := listener(path); err == nil || !strings.Contains(err.Error(), "another availd answers there") {
		t.Errorf("listener %v, error %v", l, err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// TestBusySocketIsRefused: one whose queue is full is alive too.
func TestBusySocketIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("unix", path) // a queue of length 0 takes one
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if l, err := listener(path); err == nil {
		_ = l.Close()
		t.Error("a socket that is alive was replaced")
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// TestOtherFileIsKept: what is no socket is not ours to remove.
func TestOtherFileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := listener(path); err == nil {
		_ = l.Close()
		t.Error("no error")
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("the file holds %q", text)
	}
}

// TestListenRefusesDescriptors: nobody can hang who reads a request by what he sends
// along with it.
func TestListenRefusesDescriptors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	l, err := listener(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSRIGHTS, 1); err != nil {
		t.Skip("this kernel cannot refuse descriptors: ", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendmsg(fd, []byte("GET"), unix.UnixRights(0), nil, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("a descriptor is sent with %v, want EPERM", err)
	}
}

// listener serves the control socket as the daemon does.
func listener(path string) (net.Listener, error) {
	s, err := Listen(path)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(s.FD), "control")
	defer f.Close()
	return net.FileListener(f)
}

// TestAdopt: an image takes the socket of the one before it over, with who waits there,
// and neither takes what is another's.
func TestAdopt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(first.FD)
	c, err := net.Dial("unix", path) // while nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	kept, err := unix.Dup(first.FD)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Adopt(kept, path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(second.FD)
	fd, _, err := unix.Accept(second.FD)
	if err != nil {
		t.Errorf("who has connected before is gone: %v", err)
	}
	_ = unix.Close(fd)
	if _, err := Adopt(kept, path+"2"); err == nil {
		t.Error("it was taken for one of another path")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Adopt(kept, path); err == nil {
		t.Error("it was taken over without a path")
	}
	third, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(third.FD)
	if _, err := Adopt(kept, path); err == nil {
		t.Error("it was taken over although its path is another's")
	}
	if err := errors.Join(first.Remove(), second.Remove()); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the end of the earlier ones has taken the third one's path: %v", err)
	} else {
		_ = c.Close()
	}
	if err := third.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its own path stays: %v", err)
	}
}
