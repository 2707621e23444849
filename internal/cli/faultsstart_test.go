package cli

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// atStart are system calls of a start, by any thread, each with an error and how many of
// them come before: those of Go's runtime, which ends the process for want of its poller.
var atStart = []struct {
	call, errno string
	before      int
}{
	{"epoll_create1", "EMFILE", 1},
	{"eventfd2", "EMFILE", 1},
	{"timerfd_create", "EMFILE", 0},
	{"epoll_ctl", "ENOMEM", 1},
	{"memfd_create", "EMFILE", 0},
	{"memfd_create", "ENOMEM", 0},
	{"ftruncate", "ENOMEM", 0},
	{"socket", "EMFILE", 0},
	{"socket", "ENOMEM", 0},
	{"bind", "ENOMEM", 0},
	{"listen", "EADDRINUSE", 0},
	{"setsockopt", "ENOMEM", 0},
	{"getsockname", "ENOBUFS", 0},
	{"pipe2", "EMFILE", 0},
	{"fchmodat", "EROFS", 0},
}

// mostAtStart bounds how many of a call are tried: what comes later is no part of a start.
const mostAtStart = 10

// TestFaultsAtStart has one system call of a start refused, for each that there is: it ends
// with one line that names the error and a status of its own, or it serves.
func TestFaultsAtStart(t *testing.T) {
	strace := testutil.Program(t, "strace")
	for _, f := range atStart {
		t.Run(f.call+"/"+f.errno, func(t *testing.T) {
			t.Parallel()
			tried := 0
			for when := f.before + 1; when <= f.before+mostAtStart && startInjected(t, strace, f.call, f.errno, when); when++ {
				tried++
			}
			t.Logf("%d of them", tried)
			if tried == 0 && f.call != "timerfd_create" { // which is made when it is first needed
				t.Error("it was never called, so nothing is shown")
			}
		})
	}
}

// startInjected reports whether there was such a call.
func startInjected(t *testing.T, strace, call, errno string, when int) bool {
	t.Helper()
	dir := t.TempDir()
	out, address := filepath.Join(dir, "trace"), filepath.Join(dir, "s")
	availd, err := exec.LookPath("availd-locked")
	if err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	cmd := exec.Command(strace, "-f", "--detach-on=execve", "-qq", "-e", "signal=none", "-o", out, "-e", "trace=exit_group,"+call,
		"-e", fmt.Sprintf("inject=%s:error=%s:when=%d", call, errno, when),
		availd, "run", "--listen="+address, "--protocol=queue", "--name=faulty", "--", "rogue", "queue")
	cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+dir, "NOTIFY_SOCKET=")
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	served := false
	for over := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var err error
		select {
		case err = <-ended:
			ended <- err
		default:
			if pid := loopThread(out); !served && pid > 0 && askOnce(address) {
				served = true
				_ = unix.Kill(pid, unix.SIGTERM) // once, as a second one is another order
			}
			if time.Now().Before(over) {
				continue
			}
			if pid := loopThread(out); pid > 0 {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
			t.Fatalf("%s %s, the %d.: it neither serves nor ends: %s", call, errno, when, &log)
		}
		break
	}
	text, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(text), "(INJECTED)") {
		return false
	}
	exit := regexp.MustCompile(`exit_group\((\d+)`).FindStringSubmatch(string(text))
	said := log.String()
	switch {
	case strings.Contains(said, "goroutine ") || exit == nil:
		t.Errorf("%s %s, the %d.: it has crashed: %s", call, errno, when, said)
	case served && exit[1] == "0":
	case served || exit[1] != "71" && exit[1] != "78":
		t.Errorf("%s %s, the %d.: exit status %s, served %t: %s", call, errno, when, exit[1], served, said)
	case strings.Count(said, "\n") != 1 || !strings.Contains(said, unix.Errno(errnoOf(errno)).Error()):
		t.Errorf("%s %s, the %d.: not one line that names the error: %s", call, errno, when, said)
	}
	return true
}

func errnoOf(name string) unix.Errno {
	for n := unix.Errno(1); n < 200; n++ {
		if unix.ErrnoName(n) == name {
			return n
		}
	}
	return 0
}

// askOnce reports whether a client is served.
func askOnce(address string) bool {
	c, err := net.Dial("unix", address)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		return false
	}
	var b [16]byte
	n, _ := c.Read(b[:])
	return strings.HasPrefix(string(b[:n]), "HTTP/1.0")
}
