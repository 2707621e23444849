package rig

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
)

// Server is a program under load, with the processes that it has started.
type Server struct {
	harness.Process
	cmd    *exec.Cmd
	ended  chan struct{}
	output bytes.Buffer // valid once ended
	once   sync.Once
}

// patience bounds what a program takes to end by itself.
const patience = 10 * time.Second

// Start starts a program, and ends it with the benchmark. env is added to a
// small environment of its own.
func Start(t testing.TB, env []string, args ...string) *Server {
	t.Helper()
	s := &Server{cmd: exec.Command(args[0], args[1:]...), ended: make(chan struct{})}
	s.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/root", "LANG=C.UTF-8"}, env...)
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	// A group, whose leader cannot make itself that of a session, as php-fpm does: all
	// are in the session of this process, see Load.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.cmd.WaitDelay = time.Second
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.Process = harness.Process{PID: s.cmd.Process.Pid}
	go func() {
		_ = s.cmd.Wait() // how it ends says nothing: it is asked to
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("%v said:\n%s", args, s.output.String())
		}
	})
	return s
}

// Busy makes the machine busy until the end of the benchmark: two loops that do nothing
// beside whatever else there is.
func Busy(t testing.TB) {
	t.Helper()
	for range 2 {
		Start(t, nil, "/bin/sh", "-c", "while :; do :; done")
	}
}

// StartListening is Start, and waits until something listens on the port.
func StartListening(t testing.TB, port int, env []string, args ...string) *Server {
	t.Helper()
	s := Start(t, env, args...)
	harness.WaitFor(t, args[0]+" to listen", harness.Patience, func() bool {
		select {
		case <-s.ended:
			t.Fatalf("%v ended before it listened:\n%s", args, s.output.String())
		default:
		}
		return Listens(port)
	})
	return s
}

// Stop asks the program to end, waits, and kills what is left of it and of the
// processes it had: those that it started, and only those.
func (s *Server) Stop() {
	s.once.Do(func() {
		family := s.open()
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // an error: it has ended
		select {
		case <-s.ended:
		case <-time.After(patience):
			_ = s.cmd.Process.Kill()
			<-s.ended
		}
		for _, fd := range family {
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
			_ = unix.Close(fd)
		}
	})
}

// open opens pidfds of the program's processes, by which no other can be meant.
func (s *Server) open() (fds []int) {
	for _, p := range s.Family()[1:] {
		started := p.Started()
		fd, err := unix.PidfdOpen(p.PID, 0)
		if err == nil && started != 0 && p.Started() == started {
			fds = append(fds, fd)
		}
	}
	return fds
}

// Family is the program and all processes that descend from it, parents first.
func (s *Server) Family() []harness.Process {
	all := []harness.Process{s.Process}
	for i := 0; i < len(all); i++ {
		all = append(all, all[i].Children()...)
	}
	return all
}

// Workers are the processes that the program has started itself.
func (s *Server) Workers() []harness.Process { return s.Children() }

// AwaitWorkers waits until that many workers satisfy the condition.
func (s *Server) AwaitWorkers(t testing.TB, n int, is func(harness.Process) bool) {
	t.Helper()
	harness.WaitFor(t, "the workers", 8*harness.Patience, func() bool {
		workers := slices.DeleteFunc(s.Workers(), func(p harness.Process) bool { return !is(p) })
		return len(workers) == n
	})
}

// WorkerMemory is the mean proportional set size of a process that serves: of all children
// but templates, which are to their workers what php-fpm and gunicorn are to theirs.
func (s *Server) WorkerMemory() (bytes int64) {
	workers := slices.DeleteFunc(s.Workers(), func(p harness.Process) bool {
		template, _ := p.Getenv("AVAILD_TEMPLATE_PID")
		return template == strconv.Itoa(p.PID)
	})
	for _, p := range workers {
		bytes += p.PSS()
	}
	return bytes / int64(max(1, len(workers)))
}

// OwnMemory is the part of Memory that is no file's.
func (s *Server) OwnMemory() (bytes int64) {
	for _, p := range s.Family() {
		bytes += p.OwnPSS()
	}
	return bytes
}

// Memory is the proportional set size of the whole family: shared pages count
// by their share.
func (s *Server) Memory() (bytes int64) {
	for _, p := range s.Family() {
		bytes += p.PSS()
	}
	return bytes
}
