package spawn

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// leased is a program that cannot be opened by anybody, and so not be executed, until
// the returned function is called: a write lease (fcntl(2)) has whoever opens it wait
// for its holder, as a dead file server has.
func leased(t *testing.T) (path string, release func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "worker")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return path, func() { _ = f.Close() }
}

// TestHang: nobody waits for a command that takes long to be executed. Its process is
// known at once, can be killed, and goes on when it can.
func TestHang(t *testing.T) {
	all(t, func(t *testing.T) {
		path, release := leased(t)
		c := &Command{Path: path, Environ: os.Environ()}
		began := time.Now()
		var hung []Process
		for range 3 {
			p, err := c.Start(1, false, standard)
			if err != nil {
				t.Fatal(err)
			}
			hung = append(hung, p)
		}
		if took := time.Since(began); took > 20*time.Second { // the kernel's lease-break-time is 45 s
			t.Fatalf("three starts took %v", took)
		}
		if over, err := hung[0].Executed(); over && direct.Load() {
			t.Errorf("executed, %v, although it cannot be", err)
		}
		if err := hung[1].SignalGroup(unix.SIGKILL); err != nil {
			t.Error(err)
		}
		if end := await(t, hung[1]); end != (policy.End{Signal: int(unix.SIGKILL)}) {
			t.Errorf("the killed one ended with %+v", end)
		}
		if over, err := hung[1].Executed(); !over || err != nil {
			t.Errorf("after its end: %t, %v", over, err)
		}
		release()
		for _, p := range []Process{hung[0], hung[2]} {
			if err := executed(t, p); err != nil {
				t.Error(err)
			}
			if end := await(t, p); end != (policy.End{}) {
				t.Errorf("ended with %+v", end)
			}
		}
	})
}

// TestTooManyUnderWay: commands that hang take no more than a bounded amount of
// memory and processes, and what comes after them can be started.
func TestTooManyUnderWay(t *testing.T) {
	if !direct.Load() {
		t.Skip("no direct starts on this architecture")
	}
	path, release := leased(t)
	c := &Command{Path: path, Environ: os.Environ()}
	var hung []Process
	for range MaxUnderWay {
		p, err := c.Start(1, false, standard)
		if err != nil {
			t.Fatal(err)
		}
		hung = append(hung, p)
	}
	var command *CommandError
	if _, err := c.Start(1, false, standard); !errors.Is(err, unix.EAGAIN) || errors.As(err, &command) {
		t.Errorf("one too many: %v, want %v", err, unix.EAGAIN)
	}
	release()
	for _, p := range hung {
		if end := await(t, p); end != (policy.End{}) {
			t.Errorf("ended with %+v", end)
		}
	}
	if n := len(underWay.slots); n > keepSlots {
		t.Errorf("%d blocks of memory are kept, want %d", n, keepSlots)
	}
	p, err := c.Start(2, false, standard)
	if err != nil {
		t.Fatal(err)
	}
	await(t, p)
}

// TestBeingWritten: a program that somebody writes just now (ETXTBSY of execve(2)) is
// no mistake of the command's.
func TestBeingWritten(t *testing.T) {
	if !direct.Load() {
		t.Skip("no direct starts on this architecture")
	}
	path := filepath.Join(t.TempDir(), "worker")
	program, err := os.ReadFile("/bin/true")
	if err == nil {
		err = os.WriteFile(path, program, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := (&Command{Path: path}).Start(1, false, standard)
	if err != nil {
		t.Fatal(err)
	}
	err = executed(t, p)
	var command *CommandError
	if !errors.Is(err, unix.ETXTBSY) || errors.As(err, &command) {
		t.Errorf("got %v, want %v of the system", err, unix.ETXTBSY)
	}
	await(t, p)
}
