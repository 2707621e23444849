package spawn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// listen opens a non-blocking listener.
func listen(t *testing.T, network, address string) (fd int, addr string) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		if strings.Contains(address, "::") {
			t.Skip(err) // a host without IPv6
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	raw, err := l.(syscall.Conn).SyscallConn()
	if err == nil {
		err = raw.Control(func(handle uintptr) { fd = int(handle) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd, l.Addr().String()
}

func dial(t *testing.T, network, address string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func accepted(t *testing.T, fd int) Conn {
	t.Helper()
	c, err := Accept(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(c.FD) })
	return c
}

func port(a net.Addr) string {
	_, p, _ := net.SplitHostPort(a.String())
	return p
}

// Address and source of each kind of client. A listener of IPv6 takes both
// families, unless the host is set up otherwise (net.ipv6.bindv6only).
func TestPeers(t *testing.T) {
	for _, c := range []struct{ name, network, listen, dial, address, source string }{
		{"IPv4", "tcp4", "127.0.0.1:0", "127.0.0.1", "127.0.0.1", "127.0.0.1"},
		{"IPv6", "tcp6", "[::1]:0", "::1", "::1", "::/64"},
		{"IPv4 mapped into IPv6", "tcp", "[::]:0", "127.0.0.1", "127.0.0.1", "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fd, addr := listen(t, c.network, c.listen)
			_, p, _ := net.SplitHostPort(addr)
			client := dial(t, "tcp", net.JoinHostPort(c.dial, p))
			got := accepted(t, fd)
			if got.Waited < 0 || got.Waited > time.Minute {
				t.Errorf("it has waited for %v", got.Waited)
			}
			want := Conn{FD: got.FD, Waited: got.Waited, Address: c.address, Port: port(client.LocalAddr()), Source: c.source}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestSourceOfIPv6(t *testing.T) {
	for addr, want := range map[string]string{
		"2001:db8:1:2:3:4:5:6":        "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff:ffff::1":   "2001:db8:1:2::/64",
		"2001:db8:1:3::1":             "2001:db8:1:3::/64",
		"::ffff:192.0.2.7":            "192.0.2.7",
		"fe80::a00:27ff:fe4e:66a1":    "fe80::/64",
		"0:0:0:0:0:ffff:c000:0207":    "192.0.2.7",
		"64:ff9b::c000:207":           "64:ff9b::/64",
		"2001:db8:1:2:0:ffff:1.2.3.4": "2001:db8:1:2::/64",
	} {
		if got := describe(-1, inet6(addr, 0)); got.Source != want {
			t.Errorf("%s: source %s, want %s", addr, got.Source, want)
		}
	}
}

// inet6 is a peer as the kernel tells it.
func inet6(addr string, zone uint32) *unix.RawSockaddrAny {
	var peer unix.RawSockaddrAny
	p := (*unix.RawSockaddrInet6)(unsafe.Pointer(&peer))
	p.Family, p.Addr, p.Scope_id = unix.AF_INET6, netip.MustParseAddr(addr).As16(), zone
	return &peer
}

// A link-local address says nothing without its interface.
func TestZone(t *testing.T) {
	lo, err := net.InterfaceByIndex(1)
	if err != nil {
		t.Skip(err)
	}
	if got := describe(-1, inet6("fe80::1", 1)); got.Address != "fe80::1%"+lo.Name {
		t.Errorf("address %s", got.Address)
	}
	if got := describe(-1, inet6("fe80::1", 1<<30)); got.Address != "fe80::1%1073741824" {
		t.Errorf("address %s of an interface that is gone", got.Address)
	}
}

// Clients on this host are told apart by user; most have no address.
func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, addr := listen(t, "unix", path)
	_ = dial(t, "unix", addr)
	user := fmt.Sprintf("uid %d", os.Getuid())
	if got := accepted(t, fd); got.Source != user || got.Address != "" || got.Port != "" {
		t.Errorf("got %+v, want only %s", got, user)
	}
	for _, name := range []string{path + ".client", "@availd-test-" + fmt.Sprint(os.Getpid())} {
		c, err := net.DialUnix("unix", &net.UnixAddr{Name: name, Net: "unix"}, &net.UnixAddr{Name: addr, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		if got := accepted(t, fd); got.Address != name || got.Source != user || got.Port != "" {
			t.Errorf("got %+v, want the address %s", got, name)
		}
		_ = c.Close()
	}
	evil := Conn{FD: -1}
	if evil.local("@a\nPATH=/evil"); evil.Address != "" {
		t.Errorf("address %q would be more than one line", evil.Address)
	}
}

func TestNobody(t *testing.T) {
	fd, addr := listen(t, "tcp4", "127.0.0.1:0")
	if _, err := Accept(fd); !errors.Is(err, ErrNoConnection) {
		t.Errorf("nobody waits: %v", err)
	}
	// Linux keeps a connection whose client has left in the queue: it is taken,
	// and the first read says so.
	_ = dial(t, "tcp4", addr).Close()
	c := accepted(t, fd)
	if n, err := unix.Read(c.FD, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("read %d, %v from a client that has left", n, err)
	}
}

// The connection is blocking although the listener is not, and nobody inherits
// it by accident.
func TestFlags(t *testing.T) {
	fd, addr := listen(t, "tcp4", "127.0.0.1:0")
	_ = dial(t, "tcp4", addr)
	c := accepted(t, fd)
	flags, err := unix.FcntlInt(uintptr(c.FD), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("flags %#x, %v: want blocking", flags, err)
	}
	if flags, err = unix.FcntlInt(uintptr(c.FD), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %#x, %v: want close-on-exec", flags, err)
	}
}

// Without descriptors for the whole reserve the connection stays in the queue.
func TestNoRoom(t *testing.T) {
	fd, addr := listen(t, "tcp4", "127.0.0.1:0")
	_ = dial(t, "tcp4", addr)
	for spare := range reserve {
		free := fillUp(t, spare)
		_, err := Accept(fd)
		free()
		if !errors.Is(err, unix.EMFILE) {
			t.Fatalf("with %d descriptors left: %v, want EMFILE", spare, err)
		}
	}
	defer fillUp(t, reserve)()
	accepted(t, fd)
}

// What is left counts, not which numbers it has.
func TestLastNumberTaken(t *testing.T) {
	fd, addr := listen(t, "tcp4", "127.0.0.1:0")
	_ = dial(t, "tcp4", addr)
	defer fillUp(t, reserve+1)()
	if err := unix.Dup3(fd, files-1, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(files - 1) }()
	accepted(t, fd)
}

// files is how many descriptors this process may have when it is filled up.
const files = 64

// fillUp leaves so many descriptors to this process.
func fillUp(t *testing.T, spare int) (free func()) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	low := was
	low.Cur = files
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	var taken []int
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	closeAll(taken[len(taken)-spare:])
	taken = taken[:len(taken)-spare]
	return func() {
		closeAll(taken)
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	}
}

func TestNotAListener(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	var call *os.SyscallError
	if _, err := Accept(fd); !errors.As(err, &call) || call.Syscall != "accept4" {
		t.Errorf("got %v, want accept4's own", err)
	}
}

// TestWaited: how long a connection has waited is known for TCP.
func TestWaited(t *testing.T) {
	fd, addr := listen(t, "tcp4", "127.0.0.1:0")
	before := time.Now()
	dial(t, "tcp4", addr)
	for after := time.Now(); time.Since(after) < 50*time.Millisecond; {
		_, _ = look(fd)
	}
	const tick = 20 * time.Millisecond
	if c := accepted(t, fd); c.Waited < 50*time.Millisecond-tick || c.Waited > time.Since(before)+tick {
		t.Errorf("it has waited for %v, and %v at most", c.Waited, time.Since(before))
	}
	fd, addr = listen(t, "unix", filepath.Join(t.TempDir(), "s"))
	dial(t, "unix", addr)
	if c := accepted(t, fd); c.Waited >= 0 {
		t.Errorf("a Unix socket tells %v", c.Waited)
	}
}

// TestReset: a connection that its client has reset is passed over, one whose client
// has only shut down its side is not.
func TestReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd := int(file.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	dial := func() *net.TCPConn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c.(*net.TCPConn)
	}
	for range 3 {
		c := dial()
		if err := c.SetLinger(0); err != nil { // its close resets
			t.Fatal(err)
		}
		c.Close()
	}
	half := dial()
	defer half.Close()
	if _, err := half.Write([]byte("word")); err != nil {
		t.Fatal(err)
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c, err := Accept(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(c.FD)
	if want := half.LocalAddr().(*net.TCPAddr).Port; c.Port != strconv.Itoa(want) {
		t.Errorf("accepted that of port %s, want %d", c.Port, want)
	}
	if _, err := Accept(fd); !errors.Is(err, ErrNoConnection) {
		t.Errorf("after it: %v", err)
	}
}
