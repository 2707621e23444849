package cli

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/testutil"
	"github.com/availd/availd/units"
)

// polite is a worker that ends on SIGTERM.
const polite = `
import os, signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
to = os.environ["NOTIFY_SOCKET"]
to = "\0" + to[1:] if to[0] == "@" else to
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener = socket.socket(fileno=3)
listener.setblocking(True)
s.sendto(b"READY=1", to)
while True:
    c, _ = listener.accept()
    c.makefile("rb").readline()
    c.sendall(b"%d\n" % os.getpid())
    c.close()
`

// TestStopSignals: whatever signal others use for stopping is a stop: exit status 0, and
// nobody is left behind.
func TestStopSignals(t *testing.T) {
	for _, sig := range daemon.StopSignals() {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			s := serveWith(t, polite, "--protocol=notify")
			pid := s.worker()
			s.stops(sig)
			if unix.Kill(pid, 0) == nil {
				t.Errorf("worker %d lives on", pid)
			}
			if strings.Contains(s.log.String(), "goroutine ") {
				t.Errorf("stacks are dumped: %s", &s.log)
			}
		})
	}
}

// worker asks for the pid of the one that serves.
func (s *served) worker() (pid int) {
	s.t.Helper()
	if _, err := fmt.Sscan(s.hears(s.dial("x\n")), &pid); err != nil {
		s.t.Fatalf("%v\n%s", err, &s.log)
	}
	return pid
}

// TestOtherSignals: what is no stop changes nothing, however often it comes.
func TestOtherSignals(t *testing.T) {
	s := serveWith(t, polite, "--protocol=notify", "--limit=1")
	pid := s.worker()
	said := map[unix.Signal]bool{unix.SIGUSR1: true, unix.SIGALRM: true}
	for _, sig := range []unix.Signal{
		unix.SIGUSR1, unix.SIGALRM, unix.SIGVTALRM, unix.SIGPROF, unix.SIGIO, unix.SIGWINCH, unix.SIGXCPU, unix.SIGXFSZ, unix.SIGURG,
		unix.SIGCHLD, unix.SIGCONT, unix.SIGPIPE, 35, 36, 38, 64,
	} {
		if err := s.cmd.Process.Signal(sig); err != nil {
			t.Fatalf("%v: %v\n%s", sig, err, &s.log)
		}
		if got := s.worker(); got != pid {
			t.Errorf("after %v worker %d serves, not %d", sig, got, pid)
		}
		for deadline := time.Now().Add(time.Minute); said[sig] && !strings.Contains(s.log.String(), "signal "+unix.SignalName(sig)+" is ignored"); {
			if time.Now().After(deadline) {
				t.Fatalf("nothing is said of %v: %s", sig, &s.log)
			}
		}
	}
	s.stops(unix.SIGTERM)
}

// pseudoTerminal opens a pseudo terminal: the end of a terminal emulator, and the other.
func pseudoTerminal(t *testing.T) (emulator, tty *os.File) {
	t.Helper()
	emulator, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = emulator.Close() })
	number, err := unix.IoctlGetInt(int(emulator.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(emulator.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	return emulator, tty
}

// notIgnored has programs that are started find a signal as it is by default, although
// the tests may run under nohup(1).
func notIgnored(t *testing.T, sig os.Signal) {
	t.Helper()
	received := make(chan os.Signal, 1)
	signal.Notify(received, sig)
	t.Cleanup(func() { signal.Stop(received) })
}

// TestTerminal: when its terminal is closed availd stops, unless nohup(1) or setsid(1)
// had it go on; SIGHUP from somebody else is a reload.
func TestTerminal(t *testing.T) {
	notIgnored(t, unix.SIGHUP)
	for _, test := range []struct {
		name, shell      string
		terminal, closed bool
		stops            bool
	}{
		{"closed", "", true, true, true},
		{"there", "", true, false, false},
		{"closed, nohup", "trap '' HUP; ", true, true, false},
		{"none, as by setsid", "", false, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			emulator, tty := pseudoTerminal(t)
			s := serveBy(t, polite, func(cmd *exec.Cmd) {
				if test.terminal {
					cmd.Stdin, cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = tty, true, 0
				}
				cmd.Args[2] = test.shell + cmd.Args[2]
			}, "--protocol=notify")
			pid := s.worker()
			_ = tty.Close()
			if test.closed {
				_ = emulator.Close()
			}
			if test.stops {
				s.ends()
				if unix.Kill(pid, 0) == nil {
					t.Errorf("worker %d lives on", pid)
				}
				return
			}
			_ = s.cmd.Process.Signal(unix.SIGHUP)
			testutil.WaitFor(t, func() bool { return s.worker() != pid }, "a reload: ", &s.log)
			s.stops(unix.SIGTERM)
		})
	}
}

// TestKillSignal: units are not made with a signal by which availd does not stop.
func TestKillSignal(t *testing.T) {
	for _, sig := range daemon.StopSignals() {
		name := unix.SignalName(sig.(unix.Signal))
		switch name {
		case "":
			name = "SIGRTMIN+3"
		case "SIGABRT": // the watchdog's, which generated units have: a crash
			continue
		}
		if err := units.CheckProperty("KillSignal=" + name); err != nil {
			t.Error(err)
		}
	}
	for _, word := range []string{"KillSignal=SIGUSR1", "KillSignal=HUP", "KillSignal=SIGABRT", "RestartKillSignal=SIGUSR2", "KillSignal=9"} {
		if units.CheckProperty(word) == nil {
			t.Errorf("%s is taken", word)
		}
	}
	for _, word := range []string{"KillSignal=QUIT", "KillSignal=3", "RestartKillSignal=SIGINT"} {
		if err := units.CheckProperty(word); err != nil {
			t.Error(err)
		}
	}
}
