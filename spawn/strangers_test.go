package spawn

import (
	"errors"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// TestCollectStrangers: what is nobody's is collected; a worker's status is left to who
// waits for it, and so is that of a child that is some function's own.
func TestCollectStrangers(t *testing.T) {
	begin := func() *exec.Cmd {
		cmd := exec.Command("/bin/sh", "-c", "exit 7")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	stranger := begin()
	for range 2 {
		if blocked, err := CollectStrangers(func(int, policy.End) bool { return false }); blocked || err != nil {
			t.Errorf("blocked %t, %v", blocked, err)
		}
	}
	if err := stranger.Wait(); !errors.Is(err, unix.ECHILD) {
		t.Errorf("the stranger was not collected: %v", err)
	}
	_ = stranger.Process.Release()
	worker := begin()
	if blocked, err := CollectStrangers(func(pid int, _ policy.End) bool { return pid == worker.Process.Pid }); !blocked || err != nil {
		t.Errorf("a dead worker: blocked %t, %v", blocked, err)
	}
	if err := worker.Wait(); worker.ProcessState.ExitCode() != 7 {
		t.Errorf("its status is gone: %v", err)
	}
	var own *exec.Cmd
	done, err := Own(func() (int, error) {
		if blocked, err := CollectStrangers(func(int, policy.End) bool { return false }); !blocked || err != nil {
			t.Errorf("while a child is being started: blocked %t, %v", blocked, err)
		}
		own = begin()
		return own.Process.Pid, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if blocked, err := CollectStrangers(func(int, policy.End) bool { return false }); !blocked || err != nil {
		t.Errorf("somebody's own: blocked %t, %v", blocked, err)
	}
	if err := own.Wait(); own.ProcessState.ExitCode() != 7 {
		t.Errorf("its status is gone: %v", err)
	}
	done()
}
