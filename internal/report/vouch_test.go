package report_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/internal/report"
)

func is(worker int) func(int) bool { return func(pid int) bool { return pid == worker } }

// grandchild starts a shell that starts a sleeper and says its pid; both end
// with the test. The shell's name is one that misleads a parser of
// /proc/PID/stat.
func grandchild(t *testing.T) (child, grand int) {
	t.Helper()
	shell := filepath.Join(t.TempDir(), "a) S 1 (b")
	must(t, os.Symlink("/bin/sh", shell))
	cmd := exec.Command(shell, "-c", `cat <&3 & echo $!; wait`)
	end, hold, err := os.Pipe()
	must(t, err)
	cmd.ExtraFiles = []*os.File{end}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	must(t, end.Close())
	t.Cleanup(func() { hold.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	grand, err = strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	return cmd.Process.Pid, grand
}

func TestVouched(t *testing.T) {
	child, grand := grandchild(t)
	for _, test := range []struct {
		name        string
		pid, worker int
		want        bool
	}{
		{"a worker for itself", child, child, true},
		{"a worker for its child", grand, child, true},
		{"a grandparent", grand, os.Getpid(), true},
		{"no child for its parent", child, grand, false},
		{"init for nobody", grand, 1, false},
		{"no sender", 0, 0, false},
	} {
		got, ok := report.Vouched(test.pid, is(test.worker))
		if ok != test.want || (ok && got != test.worker) {
			t.Errorf("%s: got %d, %v", test.name, got, ok)
		}
	}
}

func TestVouchedDeadSender(t *testing.T) {
	cmd := exec.Command("/bin/true")
	must(t, cmd.Run())
	if got, ok := report.Vouched(cmd.Process.Pid, is(os.Getpid())); ok {
		t.Errorf("a reaped process was vouched for by %d", got)
	}
}
