//go:build e2e

package guest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// stuck is a request that does not end, and how that is explained.
type stuck struct {
	path   string
	reason event.Phrase
	call   string // "" = none
	on     string
}

// TestSlow: whatever a worker hangs in, the message tells it within a second, once; and the
// worker prints its stack.
func TestSlow(t *testing.T) {
	t.Parallel()
	const after = 500 * time.Millisecond
	s := pool{
		name: "slow", options: []string{"--limit=10", "--slow-after=500ms", "--slow-signal=USR1", "--stop-timeout=1s", "--max-starting=4"},
	}.install(t, knob("stacks", ""))
	lock, fifo := filepath.Join(s.dir, "lock"), filepath.Join(s.dir, "fifo")
	silent, unreachable := database(t, 99), database(t, 0)
	for range 4 { // its queue is full then
		request(t, unreachable, "")
	}
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(fifo, 0o666); err != nil { // workers are another user's
		t.Fatal(err)
	}
	held, err := os.Create(lock)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	all := []stuck{
		{"/connect?" + portOf(unreachable), event.WaitsFor, "connect", unreachable},
		{"/recv?" + portOf(silent), event.WaitsFor, "recvfrom", silent},
		{"/flock?" + lock, event.WaitsFor, "flock", lock},
		{"/fifo?" + fifo, event.WaitsFor, "read", fifo},
		{"/loop", event.Computes, "", ""},
		{"/sleep?60000", event.Sleeps, "clock_nanosleep", ""},
		{"/hang", event.Sleeps, "pause", ""},
	}
	s.get("/") // the interpreter's files are in memory then
	for _, r := range all {
		request(t, s.addr, r.path)
	}
	for _, r := range all {
		fields := []string{"AVAILD_REASON=" + r.reason.Name}
		if r.call != "" {
			fields = append(fields, "AVAILD_CALL="+r.call)
		}
		if r.on != "" {
			fields = append(fields, "AVAILD_ON="+r.on)
		}
		found := s.awaitEvents(1, event.SlowRequest, fields...)
		took, err := time.ParseDuration(found[0].text("AVAILD_TOOK"))
		if err != nil {
			t.Fatal(err)
		}
		late := took - after
		t.Logf("%s, %v later than slow-after: %s", r.path, late.Round(time.Millisecond), found[0].text("MESSAGE"))
		if len(found) != 1 {
			t.Errorf("%s is explained %d times", r.path, len(found))
		}
		if late > 10*time.Second { // a second, on a machine that has time for it
			t.Errorf("%s is explained %v after slow-after", r.path, late)
		}
	}
	s.awaitSaid("line ", " in stick", " in obey") // what faulthandler prints
	if n := s.state().Counters.Slow; n != uint64(len(all)) {
		t.Errorf("%d slow requests are counted, %d were made", n, len(all))
	}
}

// database is a server that answers nobody, with room for so many connections.
func database(t *testing.T, backlog int) (address string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	a, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return harness.Addr(a.(*unix.SockaddrInet4).Port)
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// request sends a request, and does not wait for the answer; "" = it only connects, if there
// is room.
func request(t *testing.T, address, path string) {
	t.Helper()
	if path == "" {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		port, _ := strconv.Atoi(portOf(address))
		_ = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		t.Cleanup(func() { unix.Close(fd) })
		return
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "GET %s HTTP/1.0\r\n\r\n", path)
}
