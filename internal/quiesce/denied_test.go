package quiesce

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestUnseen: a process that may not be looked at holds nothing where nobody is connected,
// and is not judged where that is not known.
func TestUnseen(t *testing.T) {
	local := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, local)
	other, _ := listen(t, unix.AF_INET6, unix.SOCK_STREAM, &unix.SockaddrInet6{Addr: [16]byte{15: 1}})
	path, _ := listen(t, unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: t.TempDir() + "/s"})
	tcp, both := New([]int{fd, other}, nil), New([]int{fd, path}, nil)
	defer tcp.Close()
	defer both.Close()
	w := start(t, fd, other)
	expect := func(when string, l *Looker, want State) {
		t.Helper()
		if got := l.unseen(Question{Process: w.process()}); got != want {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
	expect("nobody is connected", tcp, Free)
	expect("a Unix socket's clients may be elsewhere", both, Denied)
	client := connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
	expect("a client waits", tcp, Free)
	w.do("accept")
	expect("a client is accepted", tcp, Denied)
	must(t, unix.Shutdown(client, unix.SHUT_WR))
	expect("a client has sent all", tcp, Denied)
	w.do("close")
	expect("a client is gone", tcp, Free)
	w.do("child")
	expect("it has a child", tcp, Denied)

	gone := New([]int{fd}, nil)
	defer gone.Close()
	must(t, unix.Shutdown(fd, unix.SHUT_RDWR))
	expect("the socket is not listed", gone, Denied)
}
