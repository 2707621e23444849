package rig

import (
	"context"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/status"
)

// Availd is a pool of availd's, with this process in the place of the service
// manager: it hears what availd says to it, and answers nothing.
type Availd struct {
	*Server
	Ready   time.Duration // from its start to READY=1
	control string
}

// StartAvaild runs a service on the port and waits for its READY=1.
func StartAvaild(t testing.TB, binary string, port int, options []string, command ...string) *Availd {
	t.Helper()
	return StartAvaildOn(t, binary, harness.Addr(port), options, command...)
}

// StartAvaildOn is StartAvaild with an address as --listen has it.
func StartAvaildOn(t testing.TB, binary, address string, options []string, command ...string) *Availd {
	t.Helper()
	dir := t.TempDir()
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "manager"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { manager.Close() }) // after the end of availd: cleanups go backwards
	ready := make(chan time.Time, 1)
	go listen(manager, ready)
	args := append([]string{binary, "run", "--listen", address}, options...)
	begin := time.Now()
	s := Start(t, []string{"NOTIFY_SOCKET=" + filepath.Join(dir, "manager"), "RUNTIME_DIRECTORY=" + dir},
		append(append(args, "--"), command...)...)
	a := &Availd{Server: s, control: filepath.Join(dir, "control")}
	select {
	case at := <-ready:
		a.Ready = at.Sub(begin)
	case <-s.ended:
		t.Fatalf("availd ended:\n%s", s.output.String())
	case <-time.After(harness.Patience):
		t.Fatal("availd is not ready")
	}
	return a
}

// listen reads messages until the socket is closed, and tells when one says
// READY=1. Descriptors that come along are dropped by the kernel, as there is
// no room for them, unix(7).
func listen(manager *net.UnixConn, ready chan<- time.Time) {
	buffer := make([]byte, 4096)
	for {
		n, err := manager.Read(buffer)
		if err != nil {
			return
		}
		if strings.Contains("\n"+string(buffer[:n])+"\n", "\nREADY=1\n") {
			select {
			case ready <- time.Now():
			default: // a reload is ready, too
			}
		}
	}
}

// Status asks the control socket.
func (a *Availd) Status(t testing.TB) status.Service {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience)
	defer cancel()
	s, err := control.Client{Path: a.control}.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Starts is how many workers have come so far that they could accept, and how long they took
// for that, all together.
func (a *Availd) Starts(t testing.TB) (n float64, sum time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience)
	defer cancel()
	text, err := control.Client{Path: a.control}.Metrics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range startSeries.FindAllSubmatch(text, -1) {
		value, err := strconv.ParseFloat(string(m[2]), 64)
		switch {
		case err != nil:
			t.Fatal(err)
		case string(m[1]) == "count":
			n = value
		default:
			sum = time.Duration(value * float64(time.Second))
		}
	}
	return n, sum
}

var startSeries = regexp.MustCompile(`(?m)^availd_worker_start_seconds_(sum|count)\{[^}]*\} (\S+)$`)

// AwaitIdle waits for so many workers that are ready.
func (a *Availd) AwaitIdle(t testing.TB, n int) {
	t.Helper()
	harness.WaitFor(t, "idle workers", 8*harness.Patience, func() bool { return int(a.Status(t).Idle) >= n })
}
