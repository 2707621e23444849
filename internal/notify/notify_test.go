package notify_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/notify"
	"github.com/availd/availd/internal/testutil"
)

func TestNilDoesNothing(t *testing.T) {
	n, err := notify.New("")
	if n != nil || err != nil {
		t.Fatalf("got %v, %v", n, err)
	}
	n.Status("x")
	if n.Send("no line") != nil || n.SendFDs("FDSTORE=1", 0) != nil || n.Flush() != nil || n.Close() != nil || n.Pending() {
		t.Error("a nil Notifier did something")
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	before := len(testutil.Files())
	for _, address := range []string{"vsock:2:1", "notify", filepath.Join(dir, "none"), "@notify-test-nobody", "/" + strings.Repeat("x", 200)} {
		if n, err := notify.New(address); err == nil {
			n.Close()
			t.Errorf("%q: no error", address)
		}
	}
	if after := len(testutil.Files()); after != before {
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
		"a\nMAINPID=1":                  "a?MAINPID=1",
		"\x1b[31m\x00\xff\u202e":        "?[31m???",
		strings.Repeat("é", 3000) + "x": strings.Repeat("é", 2044),
		"":                              "",
	} {
		n.Status(text)
		m.wants("STATUS=" + want)
	}
}

// TestSendStatus: whatever the text is, the state arrives.
func TestSendStatus(t *testing.T) {
	m, n := start(t)
	must(t, n.SendStatus("READY=1", "worker command /a\nMAINPID=1\x1b\xff: gone"))
	m.wants("READY=1\nSTATUS=worker command /a?MAINPID=1??: gone")
	must(t, n.SendStatus("READY=1", strings.Repeat("x", 5000)))
	m.wants("READY=1\nSTATUS=" + strings.Repeat("x", 4096-len("READY=1\nSTATUS=")))
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
