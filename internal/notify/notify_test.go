package notify_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

func openFDs(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}

func TestNilDoesNothing(t *testing.T) {
	n, err := notify.New("")
	if n != nil || err != nil {
		t.Fatalf("got %v, %v", n, err)
	}
	n.Status("x")
	if n.Send("no line") != nil || n.SendFDs("FDSTORE=1", 0) != nil || n.Flush() != nil || n.Close() != nil || n.Pending() || n.FD() != -1 {
		t.Error("a nil Notifier did something")
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	before := openFDs(t)
	for _, address := range []string{"vsock:2:1", "notify", filepath.Join(dir, "none"), "@notify-test-nobody", "/" + strings.Repeat("x", 200)} {
		if n, err := notify.New(address); err == nil {
			n.Close()
			t.Errorf("%q: no error", address)
		}
	}
	if after := openFDs(t); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
}

func TestSend(t *testing.T) {
	for _, address := range []string{filepath.Join(t.TempDir(), "notify"), "@notify-test-" + filepath.Base(filepath.Dir(t.TempDir()))} {
		m := startManager(t, address)
		n := connect(t, address)
		must(t, n.Send("READY=1\nSTATUS=a=b, é"))
		n.Status("9 busy")
		must(t, n.Send("WATCHDOG=1\n"))
		m.wants("READY=1\nSTATUS=a=b, é", "STATUS=9 busy", "WATCHDOG=1\n", "")
		if n.Pending() {
			t.Error("something waits")
		}
	}
}

func TestFullReceiverKeepsOrder(t *testing.T) {
	m, n := start(t)
	said := m.fill(n)
	for i := range 1000 {
		state := fmt.Sprintf("WATCHDOG_USEC=%d", i)
		must(t, n.Send(state))
		said = append(said, state)
	}
	if got := m.drain(n); !slices.Equal(got, said) {
		t.Errorf("received %d messages, want %d in order: %q", len(got), len(said), got)
	}
	if n.Pending() {
		t.Error("something waits")
	}
}

func TestWritableWhenThereIsRoom(t *testing.T) {
	m, n := start(t)
	m.fill(n)
	writable := func() bool {
		p := []unix.PollFd{{Fd: int32(n.FD()), Events: unix.POLLOUT}}
		_, err := unix.Poll(p, 0)
		must(t, err)
		return p[0].Revents&unix.POLLOUT != 0
	}
	if writable() {
		t.Error("writable with a full receiver")
	}
	for state := "x"; state != ""; {
		state, _ = m.receive()
	}
	if !writable() {
		t.Error("not writable with an empty receiver")
	}
}

func TestNewestStatusReplaces(t *testing.T) {
	m, n := start(t)
	said := m.fill(n)
	n.Status("one")
	must(t, n.Send("READY=1"))
	n.Status("two")
	want := append(slices.Clone(said), "READY=1", "STATUS=two")
	if got := m.drain(n); !slices.Equal(got, want) {
		t.Errorf("received %q, want %q", got, want)
	}

	said = m.fill(n)
	n.Status("three")
	must(t, n.Send("STOPPING=1\nSTATUS=draining"))
	want = append(slices.Clone(said), "STOPPING=1\nSTATUS=draining")
	if got := m.drain(n); !slices.Equal(got, want) {
		t.Errorf("received %q, want %q", got, want)
	}
}

func TestStatusWaitsAlone(t *testing.T) {
	m, n := start(t)
	m.fill(n)
	m.wants("EXTEND_TIMEOUT_USEC=1")
	must(t, n.Flush()) // the receiver is full again, and nothing waits
	if n.Pending() {
		t.Fatal("something waits")
	}
	n.Status("late")
	if !n.Pending() {
		t.Fatal("the status does not wait")
	}
	if got := m.drain(n); got[len(got)-1] != "STATUS=late" {
		t.Errorf("received %q", got)
	}
}

func TestRepeatedPingWaitsOnce(t *testing.T) {
	m, n := start(t)
	said := m.fill(n)
	for range 100 {
		must(t, n.Send("WATCHDOG=1"))
	}
	if got, want := m.drain(n), append(said, "WATCHDOG=1"); !slices.Equal(got, want) {
		t.Errorf("received %q, want %q", got, want)
	}
}

func TestStatusIsOneLine(t *testing.T) {
	m, n := start(t)
	for text, want := range map[string]string{
		"a\nMAINPID=1":                  "a MAINPID=1",
		"\x1b[31m\x00\xff\u202e":        " [31m ? ",
		strings.Repeat("é", 3000) + "x": strings.Repeat("é", 2044),
		"":                              "",
	} {
		n.Status(text)
		m.wants("STATUS=" + want)
	}
}

func TestSendRefuses(t *testing.T) {
	m, n := start(t)
	for _, state := range []string{
		"", "\n", "READY", "READY=1\n\nSTOPPING=1", "MAINPID=1", "NOTIFYACCESS=all", "ready=1", "=1",
		"STATUS=worker said: x\nREADY=1", "STATUS=x\nMAINPID=1", "READY=1\nREADY=1", "STATUS=a\rb", "STATUS=\x00",
		"FDSTORE=1\nFDNAME=w\x1b", "STATUS=\xff", "STATUS=" + strings.Repeat("x", 4090),
	} {
		if err := n.Send(state); !errors.Is(err, notify.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", state, err)
		}
	}
	if err := n.SendFDs("FDSTORE=1", make([]int, 254)...); !errors.Is(err, notify.ErrInvalid) {
		t.Errorf("254 descriptors: %v, want ErrInvalid", err)
	}
	must(t, n.Send("STATUS="+strings.Repeat("x", 4089)))
	m.wants("STATUS="+strings.Repeat("x", 4089), "")
}

func TestQueueIsBounded(t *testing.T) {
	m, n := start(t)
	said := m.fill(n)
	for i := range 10000 {
		state := fmt.Sprintf("WATCHDOG_USEC=%d", i)
		err := n.Send(state)
		if err == nil {
			said = append(said, state)
			continue
		}
		if !errors.Is(err, notify.ErrFull) {
			t.Fatal(err)
		}
		break
	}
	n.Status("still there")
	if len(said) < 8192 || len(said) > 8192+1000 {
		t.Errorf("%d messages were taken", len(said))
	}
	if got, want := m.drain(n), append(said, "STATUS=still there"); !slices.Equal(got, want) {
		t.Errorf("received %d messages, want %d in order", len(got), len(want))
	}
}

func TestManagerAtANewSocket(t *testing.T) {
	m, n := start(t)
	m.stop()
	if err := n.Send("READY=1"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("nobody there: %v, want ENOENT", err)
	}
	if n.Pending() {
		t.Error("a refused message waits")
	}
	again := startManager(t, m.path)
	must(t, n.Send("STOPPING=1"))
	again.wants("STOPPING=1", "")
}

func TestFlushReportsAndGoesOn(t *testing.T) {
	m, n := start(t)
	m.fill(n)
	m.stop()
	if err := n.Flush(); !errors.Is(err, unix.ENOENT) {
		t.Errorf("got %v, want ENOENT", err)
	}
	if n.Pending() {
		t.Error("refused messages wait")
	}
}
