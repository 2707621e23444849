package activation_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/leak"
)

func closeSockets(sockets []activation.Socket) {
	for _, s := range sockets {
		_ = s.Remove()
		_ = unix.Close(s.FD)
	}
}

func listen(t *testing.T, addresses ...string) []activation.Socket {
	t.Helper()
	sockets, err := activation.Listen(addresses)
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
		"8080":                                   "host:port",
		"":                                       "host:port",
		"@":                                      "host:port",
		"127.0.0.1:99999":                        "port",
		"127.0.0.1:no-such-service-name-at-all-": "port",
	} {
		opened := filepath.Join(dir, "opened")
		before := len(leak.Files())
		sockets, err := activation.Listen([]string{opened, address})
		if err == nil {
			closeSockets(sockets)
			t.Errorf("%s: no error", address)
		} else if !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: error %q does not say %q", address, err, word)
		}
		if _, err := os.Lstat(opened); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the socket before it is still there", address)
		}
		if after := len(leak.Files()); after != before {
			t.Errorf("%s: %d descriptors open, %d before", address, after, before)
		}
	}
	for _, path := range []string{file, link, live[0].Path, full, dgram} {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s was removed", path)
		}
	}
}

func TestServedBy(t *testing.T) {
	for _, protocol := range []string{"notify", "queue", "fastcgi", "auto", "inetd", "postfix"} {
		datagrams := protocol == "notify" || protocol == "postfix"
		for kind, want := range map[activation.Kind]bool{
			activation.Stream: true, activation.SeqPacket: true,
			activation.Datagram: datagrams, activation.FIFO: datagrams,
		} {
			if got := kind.ServedBy(protocol); got != want {
				t.Errorf("%v by %s: %v", kind, protocol, got)
			}
		}
	}
}
