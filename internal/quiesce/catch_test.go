package quiesce

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// saturated is a worker that has a listening socket on 3 and goes from one short request to
// the next.
func saturated() {
	for {
		fd, _, err := unix.Accept(3)
		if err != nil {
			os.Exit(1)
		}
		var b [1]byte
		if n, _ := unix.Read(fd, b[:]); n == 1 {
			time.Sleep(2 * time.Millisecond)
			_, _ = unix.Write(fd, []byte("!"))
		}
		_ = unix.Close(fd)
	}
}

// TestCatch: a worker that finds the next connection waiting whenever it accepts is caught
// between two of them, and whoever it has accepted is answered.
func TestCatch(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	f, err := l.(*net.TCPListener).File()
	must(t, err)
	defer f.Close()
	must(t, unix.SetNonblock(int(f.Fd()), false))
	address := l.Addr().String()
	must(t, l.Close()) // the copy listens
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{roleVariable + "=saturated", "GORACE=atexit_sleep_ms=0"}
	cmd.ExtraFiles = []*os.File{f}
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill(); <-ended }()
	pidfd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	must(t, err)
	defer unix.Close(pidfd)

	var clients sync.WaitGroup
	var answers atomic.Int64
	var over atomic.Bool
	lost := make(chan error, 8)
	for range 8 {
		clients.Go(func() {
			for !over.Load() {
				if err := ask(address); err != nil {
					lost <- err
					return
				}
				answers.Add(1)
			}
		})
	}
	looker := New([]int{int(f.Fd())}, nil)
	defer looker.Close()
	testutil.WaitFor(t, func() bool { return answers.Load() >= 10 }, "ten answers")
	deadline := time.Now().Add(time.Minute)
	begin, states := time.Now(), []State{Holding}
	rounds := 0
	for ; states[0] != Free; rounds++ {
		if time.Now().After(deadline) {
			t.Fatalf("not caught in %v: %v", time.Since(begin), states[0])
		}
		must(t, unix.PidfdSendSignal(pidfd, unix.SIGSTOP, nil, 0))
		looker.Look([]Question{{Process: Process{cmd.Process.Pid, pidfd}, Stopped: true, Catch: true}}, states)
		if states[0] != Free {
			must(t, unix.PidfdSendSignal(pidfd, unix.SIGCONT, nil, 0))
		}
	}
	t.Logf("caught in %v and %d rounds, after %d answers", time.Since(begin).Round(time.Millisecond), rounds, answers.Load())
	// All who wait now were not accepted: they are answered by another.
	must(t, cmd.Process.Kill())
	over.Store(true)
	must(t, serveRest(int(f.Fd()), &clients))
	close(lost)
	for err := range lost {
		t.Error(err)
	}
}

// ask is one client.
func ask(address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "?"); err != nil {
		return err
	}
	b, err := io.ReadAll(c)
	if err == nil && string(b) != "!" {
		err = fmt.Errorf("answer %q", b)
	}
	return err
}

// serveRest answers those who wait, until all clients have ended.
func serveRest(listener int, clients *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() { clients.Wait(); close(done) }()
	if err := unix.SetNonblock(listener, true); err != nil {
		return err
	}
	for {
		select {
		case <-done:
			return nil
		default:
		}
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if n, _ := unix.Poll(fds, 10); n == 0 {
			continue
		}
		fd, _, err := unix.Accept(listener)
		if err != nil {
			continue
		}
		var b [1]byte
		_, _ = unix.Read(fd, b[:])
		_, _ = unix.Write(fd, []byte("!"))
		_ = unix.Close(fd)
	}
}
