package procfs

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestStart: a process that computes is told from one that sleeps, and from one that waits for
// its child.
func TestStart(t *testing.T) {
	for _, c := range []struct {
		script string
		is     func(pid int) bool
	}{
		{"exec sleep 60", func(pid int) bool { waits, alone := Waits(pid); return waits && alone && Program(pid) != "" }},
		{"while :; do :; done", func(pid int) bool {
			cpu, ok := Clock(pid)
			waits, _ := Waits(pid)
			return ok && cpu > 20*time.Millisecond && !waits
		}},
		{"sleep 60; :", func(pid int) bool {
			children, _ := Children(pid)
			waits, _ := Waits(pid)
			return len(children) == 1 && !waits
		}},
	} {
		cmd := exec.Command("/bin/sh", "-c", c.script)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pid := cmd.Process.Pid
		deadline := time.Now().Add(20 * time.Second)
		for !c.is(pid) && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if !c.is(pid) {
			waits, alone := Waits(pid)
			t.Errorf("%s: waits %t, alone %t", c.script, waits, alone)
		}
		children, _ := Children(pid)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for _, child := range children {
			if p, err := os.FindProcess(child); err == nil {
				_ = p.Kill()
			}
		}
		if _, ok := Clock(pid); ok {
			t.Errorf("%s: it is still there", c.script)
		}
	}
	if mine, ok := Clock(os.Getpid()); !ok || mine <= 0 {
		t.Errorf("%v, %t", mine, ok)
	}
}
