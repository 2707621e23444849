package survivors

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/quiesce"
)

// envPlay has the test binary play a left-over worker instead: one that ends on
// SIGTERM, or "deaf", one that does not.
const envPlay = "REAP_TEST_PLAY"

func TestMain(m *testing.M) {
	if how := os.Getenv(envPlay); how != "" {
		play(how)
	}
	os.Exit(m.Run())
}

func play(how string) {
	switch how {
	case "deaf":
		signal.Ignore(unix.SIGTERM)
	case "accept":
		accept()
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
	os.Exit(0)
}

// left starts such a process. Its program is a copy of this binary, or it would
// be taken for another availd; with args it is this binary itself.
func left(t *testing.T, how string, args ...string) *exec.Cmd {
	t.Helper()
	path := "/proc/self/exe"
	if args == nil {
		path = program(t)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), envPlay+"="+how)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	begin(t, cmd)
	return cmd
}

// begin starts a process that says when it is ready, and ends it with the test.
func begin(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // for the deaf, and those that a failed test left
		_ = cmd.Wait()
	})
	says(t, out, "ready\n")
}

func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker")
	from, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(path, from, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// group is a control group as a folder with those members.
func group(t *testing.T, members ...int) procfs.Unit {
	t.Helper()
	dir := t.TempDir()
	var text []byte
	for _, pid := range members {
		text = strconv.AppendInt(text, int64(pid), 10)
		text = append(text, '\n')
	}
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return procfs.Unit{Name: "web.service", Dir: dir}
}

func pids(list []quiesce.Process) (all []int) {
	for _, p := range list {
		all = append(all, p.PID)
	}
	return all
}

// TestLeftOver: workers are left over; this process, its parents and another
// reap are not.
func TestLeftOver(t *testing.T) {
	a, b := left(t, "meek"), left(t, "meek")
	other := left(t, "meek", "reap")
	unit := group(t, os.Getpid(), os.Getppid(), a.Process.Pid, other.Process.Pid, b.Process.Pid)
	found, err := leftOver(unit)
	defer closeAll(found)
	if err != nil || fmt.Sprint(pids(found)) != fmt.Sprint([]int{a.Process.Pid, b.Process.Pid}) {
		t.Errorf("left over: %v, %v; want %d and %d", pids(found), err, a.Process.Pid, b.Process.Pid)
	}
}

// TestLeftOverMain: while the service has a main process, nobody is left over.
func TestLeftOverMain(t *testing.T) {
	a, main := left(t, "meek"), left(t, "meek", "run")
	found, err := leftOver(group(t, a.Process.Pid, main.Process.Pid))
	if err != nil || len(found) != 0 {
		t.Errorf("left over: %v, %v", pids(found), err)
	}
}

// TestLeftOverNone: a group that is gone has no members.
func TestLeftOverNone(t *testing.T) {
	unit := procfs.Unit{Name: "web.service", Dir: filepath.Join(t.TempDir(), "gone")}
	if found, err := leftOver(unit); err != nil || len(found) != 0 {
		t.Errorf("left over: %v, %v", pids(found), err)
	}
}

// TestEnd: who hears SIGTERM ends by it, who does not is killed after the
// patience.
func TestEnd(t *testing.T) {
	meek, deaf := left(t, "meek"), left(t, "deaf")
	found, err := leftOver(group(t, meek.Process.Pid, deaf.Process.Pid))
	if err != nil || len(found) != 2 {
		t.Fatalf("left over: %v, %v", pids(found), err)
	}
	if err := end(found, 50*time.Millisecond); err != nil {
		t.Error(err)
	}
	for cmd, want := range map[*exec.Cmd]unix.Signal{meek: unix.SIGTERM, deaf: unix.SIGKILL} {
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(interface{ Signal() unix.Signal }).Signal() != want {
			t.Errorf("%s: %v, want the end by signal %v", cmd.Path, err, want)
		}
	}
}

// TestStopped: a shell in a service is no stop of it.
func TestStopped(t *testing.T) {
	for _, c := range []struct {
		unit, result string
		want         bool
	}{
		{"web.service", "success", true}, {"web.service", "timeout", true}, {"web.socket", "", true}, {"cron.service", "", false},
	} {
		if got := stopped(procfs.Unit{Name: c.unit}, func(string) string { return c.result }); got != c.want {
			t.Errorf("%s with SERVICE_RESULT=%s: %t", c.unit, c.result, got)
		}
	}
}

// TestCrash: after a crash nobody is touched, and nothing is even looked at.
func TestCrash(t *testing.T) {
	for _, result := range crashes {
		n, err := Reap(func(name string) string {
			if name != "SERVICE_RESULT" {
				t.Errorf("%s is asked for", name)
			}
			return result
		})
		if n != 0 || err != nil {
			t.Errorf("%s: %d, %v", result, n, err)
		}
	}
}
