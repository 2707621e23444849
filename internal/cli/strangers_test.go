package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/testutil"
)

// orphaning is a worker that has each request leave an orphan that lives for a moment,
// and ends with status 7 when it is asked to.
const orphaning = `
import os, signal, socket, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
to = os.environ["NOTIFY_SOCKET"]
to = "\0" + to[1:] if to[0] == "@" else to
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener = socket.socket(fileno=3)
listener.setblocking(True)
s.sendto(b"READY=1", to)
while True:
    c, _ = listener.accept()
    s.sendto(b"X_AVAILD=busy", to)
    line = c.makefile("rb").readline()
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            time.sleep(0.2)
        os._exit(0)
    os.waitpid(pid, 0)
    if line == b"exit\n":
        os._exit(7)
    c.sendall(b"answer\n")
    c.close()
    s.sendto(b"X_AVAILD=idle", to)
`

// TestFirstProcess: as process 1 of a container availd collects the orphans, and no
// worker's status is taken from it.
func TestFirstProcess(t *testing.T) {
	s := serveBy(t, orphaning, func(cmd *exec.Cmd) {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID
		if os.Getuid() != 0 {
			cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
			if !testutil.Required() && exec.Command("unshare", "-Up", "true").Run() != nil {
				t.Skip("no pid namespace to try it in")
			}
		}
	}, "--protocol=notify", "--limit=2")
	for range 10 {
		if got := s.hears(s.dial("x\n")); got != answered {
			t.Fatalf("%q\n%s", got, &s.log)
		}
	}
	_ = s.hears(s.dial("exit\n"))
	if got := s.hears(s.dial("x\n")); got != answered {
		t.Fatalf("%q\n%s", got, &s.log)
	}
	s.noZombies()
	if !strings.Contains(s.log.String(), event.Exited.With(event.Status(7)).Error()) {
		t.Errorf("how a worker has ended is not known: %s", &s.log)
	}
	s.stops(unix.SIGTERM)
}

// TestInherited: children that a shell had before it executed availd are collected.
func TestInherited(t *testing.T) {
	s := serveBy(t, orphaning, func(cmd *exec.Cmd) { cmd.Args[2] = "sleep 0.5 & " + cmd.Args[2] }, "--protocol=notify")
	if got := s.hears(s.dial("x\n")); got != answered {
		t.Fatalf("%q\n%s", got, &s.log)
	}
	testutil.WaitFor(t, func() bool { return len(s.children("sleep")) == 0 }, "the end of what the shell has started")
	s.stops(unix.SIGTERM)
}

// children are those of availd with that name, with what they are.
func (s *served) children(name string) (found []string) {
	pids, _ := procfs.Children(s.cmd.Process.Pid)
	for _, pid := range pids {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err == nil && strings.Contains(string(stat), "("+name) {
			found = append(found, string(stat))
		}
	}
	return found
}

// noZombies waits until availd has only living children, and no orphan is on the way.
func (s *served) noZombies() {
	s.t.Helper()
	testutil.WaitFor(s.t, func() bool {
		pids, _ := procfs.Children(s.cmd.Process.Pid)
		return len(pids) <= 2 && !strings.Contains(fmt.Sprint(s.children("")), ") Z ")
	}, "living children only: ", testutil.Later(func() string { return fmt.Sprintf("%q", s.children("")) }))
}
