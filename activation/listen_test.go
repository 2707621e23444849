package activation_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/testutil"
)

func closeSockets(sockets []activation.Socket) {
	for _, s := range sockets {
		_ = s.Remove()
		_ = unix.Close(s.FD)
	}
}

func listen(t *testing.T, addresses ...string) []activation.Socket {
	t.Helper()
	sockets, err := activation.Listen(addresses, nil)
	must(t, err)
	t.Cleanup(func() { closeSockets(sockets) })
	return sockets
}

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	abstract := "@activation-listen-" + path[len(path)-12:]
	sockets := listen(t, "127.0.0.1:0", "[::1]:0", path, abstract, ":0", "localhost:0", "[::]:0", "0.0.0.0:0")
	for i, want := range []struct {
		address, path, protocol string
		remote                  bool
	}{
		{"127.0.0.1:", "", "tcp", false},
		{"[::1]:", "", "tcp", false},
		{path, path, "unix", false},
		{abstract, "", "unix", false},
		{"[::]:", "", "tcp", true},
		{"", "", "tcp", false}, // 127.0.0.1 or ::1, as the host has it
		{"[::]:", "", "tcp", true},
		{"0.0.0.0:", "", "tcp", true},
	} {
		s := sockets[i]
		if s.Name != "listen"+string(rune('0'+i)) || s.Kind != activation.Stream || s.Protocol != want.protocol ||
			!strings.HasPrefix(s.Address, want.address) || s.Path != want.path || s.Remote != want.remote {
			t.Errorf("%d: got %+v, want %+v", i, s, want)
		}
		fl, err := unix.FcntlInt(uintptr(s.FD), unix.F_GETFL, 0)
		must(t, err)
		fd, err := unix.FcntlInt(uintptr(s.FD), unix.F_GETFD, 0)
		must(t, err)
		if fl&unix.O_NONBLOCK != 0 || fd != unix.FD_CLOEXEC {
			t.Errorf("%s: F_GETFL %#x, F_GETFD %d", s.Address, fl, fd)
		}
		network := map[string]string{"tcp": "tcp", "unix": "unix"}[s.Protocol]
		c, err := net.Dial(network, s.Address)
		must(t, err)
		must(t, c.Close())
	}
}

func TestListenReplacesTheDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	must(t, unix.Close(listen(t, path)[0].FD))
	s := listen(t, path)[0]
	c, err := net.Dial("unix", path)
	must(t, err)
	must(t, c.Close())
	must(t, s.Remove())
	must(t, s.Remove())
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Remove left the path: %v", err)
	}
}

func TestListenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, []byte("data"), 0o600))
	link := filepath.Join(dir, "link")
	must(t, os.Symlink(file, link))
	live := listen(t, filepath.Join(dir, "live"), "127.0.0.1:0")
	full := filepath.Join(dir, "full")
	crowded := listening(t, unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: full})
	must(t, unix.Listen(crowded, 0)) // room for one connection
	c, err := net.Dial("unix", full)
	must(t, err)
	defer c.Close()
	dgram := filepath.Join(dir, "dgram")
	bound(t, unix.AF_UNIX, unix.SOCK_DGRAM, &unix.SockaddrUnix{Name: dgram})

	for address, word := range map[string]string{
		file:                                     "no socket is in the way",
		link:                                     "no socket is in the way",
		live[0].Path:                             "another process listens",
		full:                                     "another process listens",
		dgram:                                    "another process listens",
		live[1].Address:                          "address already in use",
		filepath.Join(dir, "no", "dir"):          "no such file",
		"/" + strings.Repeat("x", 107):           "107",
		"80800":                                  "host:port",
		"":                                       "host:port",
		"@":                                      "host:port",
		"127.0.0.1:99999":                        "port",
		"127.0.0.1:no-such-service-name-at-all-": "port",
	} {
		opened := filepath.Join(dir, "opened")
		before := len(testutil.Files())
		sockets, err := activation.Listen([]string{opened, address}, nil)
		if err == nil {
			closeSockets(sockets)
			t.Errorf("%s: no error", address)
		} else if !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: error %q does not say %q", address, err, word)
		}
		if _, err := os.Lstat(opened); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the socket before it is still there", address)
		}
		if after := len(testutil.Files()); after != before {
			t.Errorf("%s: %d descriptors open, %d before", address, after, before)
		}
	}
	for _, path := range []string{file, link, live[0].Path, full, dgram} {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s was removed", path)
		}
	}
}

// TestListenOnBothFamilies: an address of IPv4 and one of IPv6 with the same port are
// both bound, and without a host connections of both families come to one socket.
func TestListenOnBothFamilies(t *testing.T) {
	for _, four := range []string{"0.0.0.0", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		for _, order := range [][2]string{{four, "[::]"}, {"[::]", four}} {
			port := freePort(t)
			sockets := listen(t, order[0]+":"+port, order[1]+":"+port)
			for i := range sockets {
				dialed(t, sockets[i].FD, map[bool]string{true: "[::1]:", false: "127.0.0.1:"}[order[i] == "[::]"]+port)
			}
			closeSockets(sockets)
		}
	}
	for _, every := range []string{"", ":", "*:"} {
		port := freePort(t)
		sockets := listen(t, every+port)
		for _, address := range []string{"127.0.0.1:", "[::1]:"} {
			dialed(t, sockets[0].FD, address+port)
		}
		closeSockets(sockets)
	}
}

// TestEveryAddressIsBothFamilies: also on a host with net.ipv6.bindv6only=1, which is
// a network namespace of the test here.
func TestEveryAddressIsBothFamilies(t *testing.T) {
	testutil.Root(t)
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			if err := os.WriteFile("/proc/sys/net/ipv6/bindv6only", []byte("1"), 0o644); err != nil {
				return err
			}
			sockets, err := activation.Listen([]string{":1", "[::]:2"}, nil)
			if err != nil {
				return err
			}
			defer closeSockets(sockets)
			for i, want := range []int{0, 1} {
				if only, err := unix.GetsockoptInt(sockets[i].FD, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); err != nil || only != want {
					return fmt.Errorf("%s: IPV6_V6ONLY is %d (%v), want %d", sockets[i].Address, only, err, want)
				}
			}
			return nil
		}()
	}()
	must(t, <-done)
}

// freePort is a port that nobody has on any address.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	must(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	return port
}

// dialed connects to an address, and wants the connection at that listener.
func dialed(t *testing.T, fd int, address string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	must(t, err)
	defer c.Close()
	conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
	must(t, err)
	unix.Close(conn)
}
