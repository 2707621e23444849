package notify_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/notify"
)

// manager is the receiving end, as PID 1 has it.
type manager struct {
	t    *testing.T
	fd   int
	path string
}

func startManager(t *testing.T, path string) *manager {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	must(t, err)
	must(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	m := &manager{t, fd, path}
	t.Cleanup(m.stop)
	return m
}

func (m *manager) stop() {
	if m.fd >= 0 {
		unix.Close(m.fd)
		os.Remove(m.path)
		m.fd = -1
	}
}

// receive reads one datagram that is there already; "" if none is.
func (m *manager) receive() (string, []int) {
	m.t.Helper()
	data, control := make([]byte, 8192), make([]byte, 4096)
	n, oobn, _, _, err := unix.Recvmsg(m.fd, data, control, unix.MSG_CMSG_CLOEXEC)
	if errors.Is(err, unix.EAGAIN) {
		return "", nil
	}
	must(m.t, err)
	messages, err := unix.ParseSocketControlMessage(control[:oobn])
	must(m.t, err)
	var fds []int
	for _, c := range messages {
		got, err := unix.ParseUnixRights(&c)
		must(m.t, err)
		fds = append(fds, got...)
	}
	m.t.Cleanup(func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	})
	return string(data[:n]), fds
}

func (m *manager) wants(states ...string) {
	m.t.Helper()
	for _, want := range states {
		if got, _ := m.receive(); got != want {
			m.t.Errorf("received %q, want %q", got, want)
		}
	}
}

// fill sends until the receiver is full, and returns what was said.
func (m *manager) fill(n *notify.Notifier) (said []string) {
	m.t.Helper()
	for i := 1; !n.Pending(); i++ {
		said = append(said, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", i))
		must(m.t, n.Send(said[i-1]))
	}
	return said
}

// drain receives all there is, letting the notifier go on in between.
func (m *manager) drain(n *notify.Notifier) (got []string) {
	m.t.Helper()
	for {
		state, _ := m.receive()
		if state == "" {
			return got
		}
		got = append(got, state)
		must(m.t, n.Flush())
	}
}

func start(t *testing.T) (*manager, *notify.Notifier) {
	t.Helper()
	m := startManager(t, filepath.Join(t.TempDir(), "notify"))
	return m, connect(t, m.path)
}

func connect(t *testing.T, address string) *notify.Notifier {
	t.Helper()
	n, err := notify.New(address)
	must(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
