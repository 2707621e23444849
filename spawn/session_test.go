package spawn

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSession: a worker that is stopped when its parent dies lives on in a session of
// its own; in its parent's, the kernel sends it SIGHUP.
func TestSession(t *testing.T) {
	hangups := make(chan os.Signal, 1) // or what is started under nohup(1) ignores them
	signal.Notify(hangups, unix.SIGHUP)
	defer signal.Stop(hangups)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil { // orphans become ours
		t.Fatal(err)
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) }()
	all(t, func(t *testing.T) {
		if got := fateOfStopped(t, false); got != unix.SIGHUP {
			t.Errorf("in its parent's session: %v, want SIGHUP", got)
		}
		if got := fateOfStopped(t, true); got != unix.SIGTERM {
			t.Errorf("in its own session: %v, want the SIGTERM that it was sent", got)
		}
	})
}

// fateOfStopped is the signal that ends a worker which was stopped when its parent
// died, and was sent SIGTERM after that.
func fateOfStopped(t *testing.T, session bool) unix.Signal {
	t.Helper()
	text, err := json.Marshal(Command{Path: "/bin/sleep", Args: []string{"60"}, Session: session})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "SPAWN_TEST_PARENT=1", "SPAWN_TEST_DIES=1", "SPAWN_TEST_COMMAND="+string(text), "SPAWN_TEST_WAY="+wayNames[direct.Load()])
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as a service manager starts it
	says, err := cmd.StdoutPipe()                        // which the worker has, too
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := says.(*os.File).SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Error(err)
	}
	var pid int
	if _, err := fmt.Fscanln(says, &pid); err != nil {
		_ = cmd.Process.Kill()
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL || pid <= 0 {
		t.Fatalf("the parent of %d ended with %v", pid, err)
	}
	if group, err := unix.Getpgid(pid); err != nil || group != pid {
		t.Errorf("its group is %d, %v, want its own", group, err)
	}
	if got, err := unix.Getsid(pid); err != nil || (got == pid) != session {
		t.Errorf("the session of %d is %d, %v", pid, got, err)
	}
	if session { // else it need not be told
		_ = unix.Kill(pid, unix.SIGTERM)
		_ = unix.Kill(pid, unix.SIGCONT)
	}
	var status unix.WaitStatus
	watchdog := time.AfterFunc(30*time.Second, func() { _ = unix.Kill(pid, unix.SIGKILL) })
	defer watchdog.Stop()
	if err := retry(func() error { _, err := unix.Wait4(pid, &status, 0, nil); return err }); err != nil {
		t.Fatal(err)
	}
	return status.Signal()
}

// die stops the worker, says who it is, and ends as nobody can prevent.
func die(p Process) {
	if err := p.Signal(unix.SIGSTOP); err != nil {
		panic(err)
	}
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, p.PID, &info, unix.WSTOPPED|unix.WNOWAIT, nil); err != nil {
		panic(err)
	}
	fmt.Println(p.PID)
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	select {}
}
