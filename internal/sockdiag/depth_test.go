package sockdiag_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/internal/testutil"
)

var (
	local4 = &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	local6 = &unix.SockaddrInet6{Addr: [16]byte{15: 1}}
)

func TestDepthOfListeners(t *testing.T) {
	r := newReader(t)
	for _, test := range []struct {
		name                   string
		family, kind, protocol int
		address                unix.Sockaddr
	}{
		{"tcp4", unix.AF_INET, unix.SOCK_STREAM, 0, local4},
		{"tcp6", unix.AF_INET6, unix.SOCK_STREAM, 0, local6},
		{"mptcp", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP, local4},
		{"unix stream", unix.AF_UNIX, unix.SOCK_STREAM, 0, path(t)},
		{"unix seqpacket", unix.AF_UNIX, unix.SOCK_SEQPACKET, 0, path(t)},
		{"unix abstract", unix.AF_UNIX, unix.SOCK_STREAM, 0, abstract(t)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.protocol == unix.IPPROTO_MPTCP && !exists(test.family, test.kind, test.protocol) {
				t.Skip("this kernel has none")
			}
			fd, sa := listening(t, test.family, test.kind, test.protocol, test.address)
			wantDepth(t, r, fd, sockdiag.Depth{Waiting: 0, Limit: room})
			const clients = 7
			for n := 1; n <= clients; n++ {
				connect(t, test.family, test.kind, test.protocol, sa)
				wantDepth(t, r, fd, sockdiag.Depth{Waiting: n, Limit: room, Readable: true})
			}
			for n := clients - 1; n >= 0; n-- {
				conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
				must(t, err)
				wantDepth(t, r, fd, sockdiag.Depth{Waiting: n, Limit: room, Readable: n > 0})
				must(t, unix.Close(conn))
			}
		})
	}
}

func exists(family, kind, protocol int) bool {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, protocol)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
}

// Two listeners at once: answers are not mixed up.
func TestDepthOfTwo(t *testing.T) {
	r := newReader(t)
	a, saA := listening(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, path(t))
	b, saB := listening(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, path(t))
	connect(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, saA)
	for range 3 {
		connect(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, saB)
	}
	for range 10 {
		wantDepth(t, r, a, sockdiag.Depth{Waiting: 1, Limit: room, Readable: true})
		wantDepth(t, r, b, sockdiag.Depth{Waiting: 3, Limit: room, Readable: true})
	}
}

func TestDepthUnknown(t *testing.T) {
	r := newReader(t)
	udp := bound(t, unix.AF_INET, unix.SOCK_DGRAM, 0, local4)
	udpAddress, err := unix.Getsockname(udp)
	must(t, err)
	dgramAddress := path(t)
	dgram := bound(t, unix.AF_UNIX, unix.SOCK_DGRAM, 0, dgramAddress)
	fifoPath := filepath.Join(t.TempDir(), "fifo")
	must(t, unix.Mkfifo(fifoPath, 0o600))
	fifo, err := unix.Open(fifoPath, unix.O_RDWR|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fifo)
	listener, sa := listening(t, unix.AF_INET, unix.SOCK_STREAM, 0, local4)
	client := connect(t, unix.AF_INET, unix.SOCK_STREAM, 0, sa)
	server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	must(t, err)
	defer unix.Close(server)

	for name, test := range map[string]struct{ fd, from int }{
		"udp":        {udp, connect(t, unix.AF_INET, unix.SOCK_DGRAM, 0, udpAddress)},
		"unix dgram": {dgram, connect(t, unix.AF_UNIX, unix.SOCK_DGRAM, 0, dgramAddress)},
		"fifo":       {fifo, fifo},
		"connection": {server, client}, // its TCP_INFO means something else
	} {
		t.Run(name, func(t *testing.T) {
			wantDepth(t, r, test.fd, sockdiag.Depth{Waiting: -1, Limit: -1})
			_, err := unix.Write(test.from, []byte("x"))
			must(t, err)
			wantDepth(t, r, test.fd, sockdiag.Depth{Waiting: -1, Limit: -1, Readable: true})
		})
	}
	if r.Unavailable() != nil {
		t.Errorf("unavailable %v, but nobody asked for a Unix listener", r.Unavailable())
	}
}

func TestDepthOfNothing(t *testing.T) {
	r := newReader(t)
	for _, fd := range []int{-1, 1 << 20} {
		if d, err := r.Depth(fd); !errors.Is(err, unix.EBADF) || d != (sockdiag.Depth{Waiting: -1, Limit: -1}) {
			t.Errorf("descriptor %d: %+v, %v, want EBADF", fd, d, err)
		}
	}
}

func TestReaderRecovers(t *testing.T) {
	r := newReader(t)
	fd, sa := listening(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, path(t))
	connect(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, sa)
	want := sockdiag.Depth{Waiting: 1, Limit: room, Readable: true}
	before := len(testutil.Files())
	wantDepth(t, r, fd, want)
	must(t, r.Close())
	must(t, r.Close())
	wantDepth(t, r, fd, want) // opens again

	// Somebody's bug closes the netlink socket: the next one is found.
	for _, netlink := range netlinkSockets(t) {
		must(t, unix.Close(netlink))
	}
	if d, err := r.Depth(fd); err != nil || d != want {
		t.Errorf("after the netlink socket broke: %+v, %v (%v)", d, err, r.Unavailable())
	}
	must(t, r.Close())
	if after := len(testutil.Files()); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
}

func netlinkSockets(t *testing.T) (fds []int) {
	t.Helper()
	for fd := range 100 {
		if family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil && family == unix.AF_NETLINK {
			fds = append(fds, fd)
		}
	}
	if len(fds) == 0 {
		t.Fatal("no netlink socket is open")
	}
	return fds
}

func TestDepthAllocatesNothing(t *testing.T) {
	r := newReader(t)
	tcp, _ := listening(t, unix.AF_INET, unix.SOCK_STREAM, 0, local4)
	stream, _ := listening(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, path(t))
	udp := bound(t, unix.AF_INET, unix.SOCK_DGRAM, 0, local4)
	for name, fd := range map[string]int{"tcp": tcp, "unix": stream, "udp": udp} {
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := r.Depth(fd); err != nil || r.Unavailable() != nil {
				t.Fatal(err, r.Unavailable())
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// What the daemon is in its unit: no capability, not the sockets' owner.
func TestDepthUnprivileged(t *testing.T) {
	var attr *syscall.SysProcAttr
	if os.Getuid() == 0 {
		attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	for name, address := range map[string]unix.Sockaddr{"tcp": local4, "unix": path(t)} {
		family := unix.AF_INET
		if name == "unix" {
			family = unix.AF_UNIX
		}
		fd, sa := listening(t, family, unix.SOCK_STREAM, 0, address)
		for range 3 {
			connect(t, family, unix.SOCK_STREAM, 0, sa)
		}
		wantDepth(t, newReader(t), fd, sockdiag.Depth{Waiting: 3, Limit: room, Readable: true})
		got := elsewhere(t, fd, attr)
		if got.UID == 0 || got.Why != "" || got.Depth != (sockdiag.Depth{Waiting: 3, Limit: room, Readable: true}) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// PrivateNetwork=: sock_diag does not see the manager's Unix sockets. That is
// unknown, not empty. TCP_INFO is of the socket itself and goes on working.
func TestDepthInAnotherNetworkNamespace(t *testing.T) {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
	}
	stream, sa := listening(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, path(t))
	got := elsewhere(t, stream, attr)
	if got.Depth != (sockdiag.Depth{Waiting: -1, Limit: -1}) || !strings.Contains(got.Why, "network namespace") {
		t.Errorf("empty queue: got %+v", got)
	}
	connect(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, sa)
	if got := elsewhere(t, stream, attr); got.Depth != (sockdiag.Depth{Waiting: -1, Limit: -1, Readable: true}) {
		t.Errorf("one waits: got %+v", got)
	}
	tcp, sa := listening(t, unix.AF_INET, unix.SOCK_STREAM, 0, local4)
	connect(t, unix.AF_INET, unix.SOCK_STREAM, 0, sa)
	wantDepth(t, newReader(t), tcp, sockdiag.Depth{Waiting: 1, Limit: room, Readable: true})
	if got := elsewhere(t, tcp, attr); got.Depth != (sockdiag.Depth{Waiting: 1, Limit: room, Readable: true}) {
		t.Errorf("tcp: got %+v", got)
	}
}

func BenchmarkDepth(b *testing.B) {
	r := newReader(b)
	tcp, _ := listening(b, unix.AF_INET, unix.SOCK_STREAM, 0, local4)
	stream, _ := listening(b, unix.AF_UNIX, unix.SOCK_STREAM, 0, path(b))
	for name, fd := range map[string]int{"tcp": tcp, "unix": stream} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Depth(fd); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
