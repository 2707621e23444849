//go:build e2e

package guest

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// stranger is a process that is no worker: this one. As root it may use the
// socket for reports.
type stranger struct {
	t    *testing.T
	fd   int
	addr *unix.SockaddrUnix
	sent int
}

func (s *service) stranger() *stranger {
	s.t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		s.t.Fatal(os.NewSyscallError("socket", err))
	}
	s.t.Cleanup(func() { unix.Close(fd) })
	return &stranger{t: s.t, fd: fd, addr: &unix.SockaddrUnix{Name: filepath.Join("/run/availd", s.Name, "notify")}}
}

// send waits while the socket's queue is full, so that nothing is lost.
func (s *stranger) send(text string, descriptors ...int) {
	var rights []byte
	if len(descriptors) > 0 {
		rights = unix.UnixRights(descriptors...)
	}
	for {
		err := unix.Sendmsg(s.fd, []byte(text), rights, s.addr, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			s.t.Fatal(os.NewSyscallError("sendmsg", err))
		}
		s.sent++
		return
	}
}

// report has a worker say something.
func (s *service) report(how, text string) {
	s.t.Helper()
	s.get("/" + how + "?" + url.PathEscape(text))
}

// oddReports are what no worker of sense sends. Each is counted or ignored.
var oddReports = map[string]string{
	"huge":          "STATUS=" + strings.Repeat("x", 5000),
	"truncated":     "X_AVAILD=idl",
	"NUL inside":    "READY=1\x00X_AVAILD=busy",
	"nonsense":      "X_AVAILD=maybe",
	"negative":      "X_AVAILD_JOBS=-5",
	"overflow":      "X_AVAILD_DONE=99999999999999999999",
	"no line":       "hello",
	"contradictory": "X_AVAILD=busy\nX_AVAILD=idle\nX_AVAILD=busy\nREADY=1\nREADY=0",
	"not for it":    "MAINPID=1\nFDSTORE=1\nERRNO=5",
	"terminal":      "STATUS=\x1b]0;evil\x07\xff\xfe",
}

// TestOddReports: from a worker, its ghost, and a stranger.
func TestOddReports(t *testing.T) {
	t.Parallel()
	s := pool{name: "odd-reports", options: []string{"--limit=3"}, service: unwatched}.install(t)
	s.Start()
	main, before := s.Main(), s.state()
	requests(t, s.load(2, "/"), 20)
	descriptors := len(main.Descriptors()) - len(s.Workers())
	st := s.stranger()
	for name, text := range oddReports {
		t.Log(name)
		s.report("report", text)
		s.report("ghost", text)
		st.send(text)
	}
	st.send("")
	deadSender(t, s, st)
	s.get("/fds?50") // answers when availd has closed them
	strangersDescriptors(t, st)
	requests(t, s.load(6, "/"), 100)
	// The ghosts, the stranger's, and of the worker's own: huge, NUL inside,
	// truncated, nonsense, negative, overflow.
	want := uint64(len(oddReports) + st.sent + 6)
	s.await("the reports to be counted", func(now status.Service) bool { return now.Counters.RejectedReports >= want })
	now := s.state()
	t.Logf("rejected %d reports, of strangers %d; requests %d", now.Counters.RejectedReports, st.sent, *now.Counters.Requests)
	if got := now.Counters.RejectedReports - before.Counters.RejectedReports; got != want {
		t.Errorf("%d reports were rejected, want %d", got, want)
	}
	if now.MainPID != main.PID || now.Counters.BadStarts != 0 {
		t.Errorf("main pid %d, %d bad starts; before: %d, 0", now.MainPID, now.Counters.BadStarts, main.PID)
	}
	s.descriptors(descriptors + len(s.Workers()) + asksKernel)
	s.printable()
}

// deadSender sends from a process that is gone for certain when it is read.
func deadSender(t *testing.T, s *service, st *stranger) {
	t.Helper()
	s.Signal(unix.SIGSTOP)
	defer s.Signal(unix.SIGCONT)
	harness.MustRun(t, "python3", "-c", "import socket, sys; "+
		"socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'X_AVAILD=busy', sys.argv[1])", st.addr.Name)
	st.sent++
}

// strangersDescriptors: nobody keeps what a stranger sends along.
func strangersDescriptors(t *testing.T, st *stranger) {
	t.Helper()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	// Since Linux 6.16 availd takes no descriptors, and the kernel says so to whoever
	// sends some.
	err := unix.Sendmsg(st.fd, []byte("READY=1"), unix.UnixRights(pipe[1], pipe[1]), st.addr, unix.MSG_DONTWAIT)
	unix.Close(pipe[1])
	if errors.Is(err, unix.EPERM) {
		return
	}
	if err != nil {
		t.Fatal(os.NewSyscallError("sendmsg", err))
	}
	st.sent++
	fds := []unix.PollFd{{Fd: int32(pipe[0])}} // for POLLHUP: the last writer is gone
	if n, err := unix.Poll(fds, int(harness.Patience.Milliseconds())); n != 1 {
		t.Errorf("availd keeps a stranger's descriptor: %v", err)
	}
}

// printable: what workers say does not reach a terminal as it is.
func (s *service) printable() {
	s.t.Helper()
	for _, text := range []string{s.Journal(), harness.MustRun(s.t, harness.Availd, "status", s.Name)} {
		if containsAny(text, "\x1b", "\x07", "\xff") {
			s.t.Errorf("a worker's control characters are passed on: %q", text)
		}
	}
}

// flood is the number of reports of each of the two floods.
const flood = 500_000

// TestFlood: a million reports that say nothing, while the pool serves.
// It runs before the parallel scenarios, as it takes all the machine has.
func TestFlood(t *testing.T) {
	s := pool{name: "flood", options: []string{"--limit=6"}, service: unwatched}.install(t)
	s.Start()
	requests(t, s.load(2, "/"), 20)
	running := s.load(2, "/sleep?5").Start()
	main := s.Main()
	cpu := main.CPU()

	begin := time.Now()
	st := s.stranger()
	for range flood {
		st.send("X_AVAILD=idle")
	}
	t.Logf("stranger: %d reports in %v", flood, time.Since(begin).Round(time.Millisecond))
	s.costs(cpu, flood)

	cpu, begin = main.CPU(), time.Now()
	load := s.load(1, fmt.Sprint("/flood?", flood))
	load.Timeout = time.Minute
	if _, err := load.Get(); err != nil {
		t.Error(err)
	}
	t.Logf("worker: %d reports in %v", flood, time.Since(begin).Round(time.Millisecond))
	s.costs(cpu, flood)

	allServed(t, running.Stop())
	s.await("the last job to be reported", func(st status.Service) bool { return st.Busy == 0 })
	now := s.state()
	if now.MainPID != main.PID || now.Counters.RejectedReports != flood {
		t.Errorf("main pid %d, %d reports rejected; want %d, %d", now.MainPID, now.Counters.RejectedReports, main.PID, flood)
	}
	if n := len(s.events(event.ReportRejected)); n > 2 {
		t.Errorf("%d lines in the journal about it", n)
	}
	s.awaitLine(fmt.Sprintf("| %d requests", *now.Counters.Requests))
	settle(t, main)
}

// costs bounds the processor time of a report, once all are read.
func (s *service) costs(before time.Duration, n int) {
	s.t.Helper()
	s.state() // its answer comes after what is in the queue
	each := (s.Main().CPU() - before) / time.Duration(n)
	s.t.Logf("%v of processor time for each", each)
	if each > 50*time.Microsecond {
		s.t.Errorf("%v of processor time for each report", each)
	}
}
