package notify_test

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// pipeWith returns a read end that has text in it.
func pipeWith(t *testing.T, text string) int {
	t.Helper()
	var p [2]int
	must(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	_, err := unix.Write(p[1], []byte(text))
	must(t, err)
	must(t, unix.Close(p[1]))
	return p[0]
}

func textOf(t *testing.T, fd int) string {
	t.Helper()
	buf := make([]byte, 100)
	n, err := unix.Read(fd, buf)
	must(t, err)
	return string(buf[:n])
}

func TestDescriptorsArrive(t *testing.T) {
	m, n := start(t)
	a, b := pipeWith(t, "a"), pipeWith(t, "b")
	must(t, n.SendFDs("FDSTORE=1\nFDNAME=availd.w.1\nFDPOLL=0", a, b))
	must(t, unix.Close(a)) // the caller's, as before
	must(t, unix.Close(b))
	state, fds := m.receive()
	if state != "FDSTORE=1\nFDNAME=availd.w.1\nFDPOLL=0" || len(fds) != 2 || textOf(t, fds[0])+textOf(t, fds[1]) != "ab" {
		t.Errorf("received %q with %d descriptors", state, len(fds))
	}
}

func TestDescriptorsWaitInOrder(t *testing.T) {
	m, n := start(t)
	said := m.fill(n)
	before := len(testutil.Files())
	for _, text := range []string{"first", "second"} {
		fd := pipeWith(t, text)
		must(t, n.SendFDs("FDSTORE=1\nFDNAME=availd."+text, fd))
		must(t, unix.Close(fd)) // the queue has its own
	}
	must(t, n.Send("READY=1"))
	var got, texts []string
	for state, fds := m.receive(); state != ""; state, fds = m.receive() {
		got = append(got, state)
		for _, fd := range fds {
			texts = append(texts, textOf(t, fd))
			before++ // received ones stay open until the test ends
		}
		must(t, n.Flush())
	}
	want := append(said, "FDSTORE=1\nFDNAME=availd.first", "FDSTORE=1\nFDNAME=availd.second", "READY=1")
	if !slices.Equal(got, want) || !slices.Equal(texts, []string{"first", "second"}) {
		t.Errorf("received %q with %q, want %q", got, texts, want)
	}
	if after := len(testutil.Files()); after != before {
		t.Errorf("%d descriptors open, want %d", after, before)
	}
}

func TestCloseReleasesWaitingDescriptors(t *testing.T) {
	m, n := start(t)
	before := len(testutil.Files()) - 1 // without the notifier's
	m.fill(n)
	must(t, n.SendFDs("FDSTORE=1\nFDNAME=availd.x", 0, 1, 2))
	must(t, n.Close())
	must(t, n.Close())
	if after := len(testutil.Files()); after != before {
		t.Errorf("%d descriptors open, want %d", after, before)
	}
	if n.Pending() {
		t.Error("something waits after Close")
	}
}

func TestBadDescriptor(t *testing.T) {
	m, n := start(t)
	const none = 1 << 20
	if err := n.SendFDs("FDSTORE=1\nFDNAME=availd.x", none); !errors.Is(err, unix.EBADF) {
		t.Errorf("got %v, want EBADF", err)
	}
	said := m.fill(n)
	before := len(testutil.Files())
	if err := n.SendFDs("FDSTORE=1\nFDNAME=availd.x", 0, none); !errors.Is(err, unix.EBADF) {
		t.Errorf("while full: got %v, want EBADF", err)
	}
	if after := len(testutil.Files()); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
	if got := m.drain(n); !slices.Equal(got, said) {
		t.Errorf("received %q, want %q", got, said)
	}
}
