package daemon

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/internal/testutil"
)

// python starts a program that says when it is there.
func python(t *testing.T, program string) int {
	t.Helper()
	cmd := exec.Command(testutil.Program(t, "python3"), "-c", program+"\nprint('ready', flush=True)\ninput()")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	if s := bufio.NewScanner(out); !s.Scan() || s.Text() != "ready" {
		t.Fatalf("it says %q", s.Text())
	}
	return cmd.Process.Pid
}

// TestMeasure: a worker has what it has for itself: not what it shares with a template, and
// with what it has started.
func TestMeasure(t *testing.T) {
	const megabyte, limit = 1 << 20, 50 << 20
	m := newMeasurer()
	sizeOf := func(pid int, limit int64, forks bool) int64 {
		return m.sizes(measureQuestion{[]int{pid}, limit, forks})[0]
	}
	small, large := python(t, ""), python(t, "a = b'x' * (64 << 20)")
	if n := sizeOf(small, limit, false); n < megabyte || n > 40*megabyte {
		t.Errorf("a small one takes %d", n)
	}
	if n := sizeOf(large, limit, false); n < 64*megabyte || n > 100*megabyte {
		t.Errorf("one with 64 MiB takes %d", n)
	}
	if n := sizeOf(1<<22, limit, false); n != loop.SizeUnknown {
		t.Errorf("one that is not there takes %d", n)
	}
	template := python(t, "import os\na = b'x' * (64 << 20)\nif not os.fork():\n  import sys; sys.stdin.read(); os._exit(0)")
	forks := relatives(template)
	for _, fork := range forks[1:] {
		if n := sizeOf(fork, limit, true); n < 0 || n > 30*megabyte {
			t.Errorf("a fork that shares 64 MiB takes %d", n)
		}
	}
	if len(forks) < 2 {
		t.Errorf("the template has no fork: %v", forks)
	}
	if n := sizeOf(small, limit, true); n != loop.SizeUnknown {
		t.Errorf("what a fork below the limit takes is told: %d", n)
	}
	s := status.Service{Workers: []status.Worker{{PID: large}, {PID: 1 << 22}}}
	sizes := &shownSizes{}
	sizes.give(&s)
	if n := s.Workers[0].Memory; n == nil || *n < 64*megabyte || s.Workers[1].Memory != nil {
		t.Errorf("shown are %v and %v", s.Workers[0].Memory, s.Workers[1].Memory)
	}
}

// TestMeasureDear: a reading that was dear once leaves workers unseen for a moment only, and
// who was left out is first the next time.
func TestMeasureDear(t *testing.T) {
	m := newMeasurer()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	used := func() time.Duration {
		var ts unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
		return time.Duration(ts.Nano())
	}
	m.counts.Begin()
	for began := used(); used()-began < 100*time.Millisecond; { // what it is booked with
	}
	m.counts.End()
	if rest := m.counts.Rest(); rest <= 0 || rest > mostBlind+time.Second {
		t.Errorf("nothing is read for %v", rest)
	}
	pids := []int{os.Getppid(), os.Getpid()}
	m.next = pids[1]
	if sizes := m.sizes(measureQuestion{pids, 1 << 40, false}); sizes[0] != loop.SizeNotLooked || sizes[1] != loop.SizeNotLooked || m.next != pids[1] {
		t.Errorf("found %v, the next is %d", sizes, m.next)
	}
	m.counts = nowait.Allowance{Share: measureShare}
	if sizes := m.sizes(measureQuestion{pids, 1 << 40, false}); sizes[0] < 0 && sizes[0] != loop.SizeUnknown || sizes[1] <= 0 || m.next != 0 {
		t.Errorf("found %v, the next is %d", sizes, m.next)
	}
}
