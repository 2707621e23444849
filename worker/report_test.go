package worker

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/availd/availd/internal/testutil"
)

func TestReports(t *testing.T) {
	for _, address := range []string{filepath.Join(t.TempDir(), "notify"), "@availd-worker-test-" + t.Name()} {
		received, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		s := supervisor{&testutil.Supervisor{T: t, Reports: received}}
		r, err := NewReporter(address)
		if err != nil {
			t.Fatal(err)
		}
		for want, send := range map[string]func(){
			"READY=1":                            r.Ready,
			"X_AVAILD=busy":                      r.Busy,
			"X_AVAILD=idle":                      r.Idle,
			"STOPPING=1":                         r.Stopping,
			"WATCHDOG=1":                         r.Alive,
			"X_AVAILD_JOBS=3\nX_AVAILD_DONE=2":   func() { r.Jobs(3, 2) },
			"X_AVAILD_JOBS=0\nX_AVAILD_DONE=0":   func() { r.Jobs(-1, -1) },
			"STATUS=größer":                      func() { r.Status("größer") },
			"STATUS=a?READY=1?":                  func() { r.Status("a\nREADY=1\x1b") },
			"STATUS=" + strings.Repeat("€", 85):  func() { r.Status(strings.Repeat("€", 86)) },
			"STATUS=" + strings.Repeat("x", 256): func() { r.Status(strings.Repeat("x", 9999)) },
		} {
			send()
			s.Expect(want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		received.Close()
	}
}

func init() {
	roles["report"] = func() error {
		Ready()
		Busy()
		Jobs(3, 2)
		Alive()
		Status("x")
		Idle()
		Stopping()
		return nil
	}
}

// TestReportsOfTheProcess: the functions say what the methods do.
func TestReportsOfTheProcess(t *testing.T) {
	s := supervise(t, 0)
	p := s.start("report")
	s.Expect("READY=1", "X_AVAILD=busy", "X_AVAILD_JOBS=3\nX_AVAILD_DONE=2", "WATCHDOG=1", "STATUS=x", "X_AVAILD=idle", "STOPPING=1")
	s.Exited(p)
}

func TestReportsFromSeveralGoroutines(t *testing.T) {
	s := supervise(t, 0)
	r, err := NewReporter(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var sent sync.WaitGroup
	for range 4 {
		sent.Go(r.Idle)
	}
	s.Expect("X_AVAILD=idle", "X_AVAILD=idle", "X_AVAILD=idle", "X_AVAILD=idle")
	sent.Wait()
}

func TestNoReporterIsSilent(t *testing.T) {
	var r *Reporter
	r.Ready()
	r.Status("nobody hears this")
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for _, address := range []string{"", "relative/path", "vsock:2:1"} {
		if r, err := NewReporter(address); err == nil || r != nil {
			t.Errorf("NewReporter(%q) = %v, %v; want an error", address, r, err)
		}
	}
}

// withoutRoom is a reporter whose supervisor has a queue full of "X=1".
func withoutRoom(t *testing.T, timeout time.Duration) (*Reporter, supervisor) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	received, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { received.Close() })
	r, err := newReporter(path, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	to := &syscall.SockaddrUnix{Name: path}
	for {
		switch err := syscall.Sendto(r.fd, []byte("X=1"), syscall.MSG_DONTWAIT, to); {
		case errors.Is(err, syscall.EAGAIN):
			return r, supervisor{&testutil.Supervisor{T: t, Reports: received}}
		case err != nil:
			t.Fatal(err)
		}
	}
}

// A supervisor that hangs fills its queue. The worker waits for it, for a
// while, and then goes on.
func TestReportWaitsForRoom(t *testing.T) {
	const timeout = 50 * time.Millisecond
	r, s := withoutRoom(t, timeout)
	start := time.Now()
	r.Idle()
	if waited := time.Since(start); waited < timeout || waited > testutil.Patience {
		t.Errorf("waited %v for room, want about %v", waited, timeout)
	}
	if got := s.Report(); got != "X=1" {
		t.Fatal(got)
	}
	sentC := make(chan struct{})
	go func() {
		defer close(sentC)
		r.Busy() // there is room for one now
	}()
	<-sentC
	for got := s.Report(); got != "X_AVAILD=busy"; got = s.Report() {
		if got != "X=1" {
			t.Fatalf("report %q, want what was queued and then busy", got)
		}
	}
}

// A supervisor that hangs for long costs a worker one wait, and not one a report. When
// there is room again its reports arrive, and wait for room again.
func TestReportWaitsOnce(t *testing.T) {
	const timeout = 50 * time.Millisecond
	r, s := withoutRoom(t, timeout)
	r.Idle()
	if !r.away.Load() {
		t.Error("there was no room, and the next report would wait as well")
	}
	if got := s.Report(); got != "X=1" {
		t.Fatal(got)
	}
	r.Busy()
	if r.away.Load() {
		t.Error("there was room, and the next report would not wait")
	}
	start := time.Now()
	r.Idle()
	if waited := time.Since(start); waited < timeout || !r.away.Load() {
		t.Errorf("waited %v for room, want about %v", waited, timeout)
	}
	before := time.Now()
	const many = 100
	for range many {
		r.Busy()
	}
	if took := time.Since(before); took > many*timeout/2 {
		t.Errorf("%d reports without room took %v: each has waited", many, took)
	}
}

func TestEnvironment(t *testing.T) {
	for text, want := range map[string]uint64{"": 0, "0": 0, "18446744073709551615": 1<<64 - 1, "-1": 0, "x": 0} {
		t.Setenv(EnvGeneration, text)
		if got := Generation(); got != want {
			t.Errorf("generation of %q: %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]bool{"": false, "yes": true, "no": false} {
		t.Setenv(EnvStress, text)
		if got := Stressed(); got != want {
			t.Errorf("stress of %q: %v, want %v", text, got, want)
		}
	}
}
