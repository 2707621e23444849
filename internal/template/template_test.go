package template

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

func TestMain(m *testing.M) {
	if text := os.Getenv("TEMPLATE_TEST_SENDS"); text != "" { // a process that has the other end as descriptor 3
		_ = unix.Send(3, []byte(text), 0)
		return
	}
	testutil.Main(m)
}

// open is a pair that the test closes.
func open(t *testing.T) (c *Channel, theirs int) {
	t.Helper()
	c, theirs, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(c.Disown()) })
	return c, theirs
}

func (c *Channel) receive(t *testing.T) Message {
	t.Helper()
	var m Message
	if err := c.Receive(&m); err != nil {
		t.Fatal(err)
	}
	if m.PIDFD >= 0 {
		t.Cleanup(func() { _ = unix.Close(m.PIDFD) })
	}
	return m
}

// TestChannel: orders arrive as packets, what the other side says comes with its pid, and the
// end of it after all packets.
func TestChannel(t *testing.T) {
	c, theirs := open(t)
	var m Message
	if err := c.Receive(&m); !errors.Is(err, ErrEmpty) {
		t.Fatalf("with nothing to read: %v", err)
	}
	for _, n := range []uint64{1, 2} {
		if err := c.Send(Order{Generation: n, Env: []string{"A=b"}}); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 100)
	for _, want := range []string{"FORK=1\nA=b", "FORK=2\nA=b"} {
		if n, err := unix.Read(theirs, buf); err != nil || string(buf[:n]) != want {
			t.Errorf("%q, %v; want %q", buf[:n], err, want)
		}
	}
	for _, text := range []string{"READY=1", "", "BORN=2"} {
		if err := unix.Send(theirs, []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
	c.EndOrders()
	if n, err := unix.Read(theirs, buf); n != 0 || err != nil {
		t.Errorf("after the last order: %d, %v", n, err)
	}
	for _, want := range []Kind{Ready, Malformed, Forked} {
		if m := c.receive(t); m.Kind != want || m.PID != os.Getpid() || m.UID != uint32(os.Getuid()) {
			t.Errorf("%+v, want kind %d of process %d", m, want, os.Getpid())
		}
	}
	_ = unix.Close(theirs)
	if err := c.Receive(&m); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if err := c.Send(Order{Generation: 3}); err == nil || errors.Is(err, ErrFull) {
		t.Errorf("an order for nobody: %v", err)
	}
}

// TestSender: a packet of another process comes with its pid, and, where the kernel has that,
// with its pidfd. That is so when it has ended and was collected, too.
func TestSender(t *testing.T) {
	c, theirs := open(t)
	file := os.NewFile(uintptr(theirs), "theirs")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env, cmd.ExtraFiles = []string{"TEMPLATE_TEST_SENDS=BORN=7"}, []*os.File{file}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	if m := c.receive(t); m.Kind != Forked || m.Generation != 7 || m.PID != pid {
		t.Errorf("%+v, want worker 7 of process %d", m, pid)
	}
}

// TestTooLong: a packet that is too long is malformed, and the next one is read as ever.
func TestTooLong(t *testing.T) {
	c, theirs := open(t)
	defer unix.Close(theirs)
	for _, text := range []string{"BORN=1" + strings.Repeat(" ", MaxPacket), "FAILED=1 " + strings.Repeat("x", 1<<16), "BORN=2"} {
		if err := unix.Send(theirs, []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []Kind{Malformed, Malformed, Forked} {
		if m := c.receive(t); m.Kind != want {
			t.Errorf("%+v, want kind %d", m, want)
		}
	}
}

// TestFull: who does not read holds nobody up.
func TestFull(t *testing.T) {
	c, theirs := open(t)
	defer unix.Close(theirs)
	sent := 0
	for ; sent < 1<<20; sent++ {
		if err := c.Send(Order{Generation: uint64(sent + 1)}); err != nil {
			if !errors.Is(err, ErrFull) {
				t.Fatal(err)
			}
			break
		}
	}
	if sent < 64 {
		t.Errorf("there is room for %d orders, and more are under way", sent)
	}
	buf := make([]byte, 100)
	for range sent {
		if _, err := unix.Read(theirs, buf); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Send(Order{Generation: 1}); err != nil {
		t.Errorf("when all was read: %v", err)
	}
}

// TestDescriptors: what comes along with a packet is refused by the kernel, or closed.
func TestDescriptors(t *testing.T) {
	c, theirs := open(t)
	defer unix.Close(theirs)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	err := unix.Sendmsg(theirs, []byte("READY=1"), unix.UnixRights(pipe[1]), nil, 0)
	_ = unix.Close(pipe[1])
	if err == nil {
		if m := c.receive(t); m.Kind != Ready {
			t.Errorf("%+v", m)
		}
	} else if !errors.Is(err, unix.EPERM) {
		t.Fatal(err)
	}
	// The end of the pipe comes when nobody has the other one any more.
	if n, err := unix.Read(pipe[0], make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	_ = unix.Close(pipe[0])
}

func TestAdoptRefuses(t *testing.T) {
	for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
		pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := Adopt(pair[0]); err == nil {
			t.Errorf("a socket of type %d is taken", kind)
			_ = unix.Close(c.Disown())
		}
		_ = unix.Close(pair[1])
	}
}
