package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

// tasksGroup is a control group of v1 or v2 that bounds how many tasks there are in it.
func tasksGroup(t *testing.T, most int) string {
	t.Helper()
	testutil.Root(t)
	name := "availd-test-" + strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(most)
	for _, dir := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		dir = filepath.Join(dir, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		limit := filepath.Join(dir, "pids.max")
		if _, err := os.Stat(limit); err == nil && os.WriteFile(limit, []byte(strconv.Itoa(most)), 0) == nil {
			t.Cleanup(func() {
				if err := os.Remove(dir); err != nil { // who was in it has been waited for
					t.Error(err)
				}
			})
			return dir
		}
		_ = os.Remove(dir)
	}
	testutil.Missing(t, "no control group can be made that bounds tasks")
	return ""
}

// inGroup is a command in it.
func inGroup(dir string, words ...string) *exec.Cmd {
	return exec.Command("sh", append([]string{"-c", `echo $$ >"$0"/cgroup.procs && exec "$@"`, dir}, words...)...)
}

// TestRoomForThreads: a limit of tasks below what availd needs for itself is said in one
// line.
func TestRoomForThreads(t *testing.T) {
	dir := tasksGroup(t, 6)
	run := t.TempDir()
	cmd := inGroup(dir, "availd", "run", "--listen="+filepath.Join(run, "s"), "--protocol=queue", "--name=web", "--", "rogue", "queue")
	cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+run, "NOTIFY_SOCKET=")
	out, err := cmd.CombinedOutput()
	text := string(out)
	if cmd.ProcessState.ExitCode() != 71 || strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "availd: TasksMax= leaves room for ") {
		t.Errorf("%v: %s", err, text)
	}
}

// TestRoomForItself: so is any other limit of the unit that availd cannot live under.
func TestRoomForItself(t *testing.T) {
	prlimit := testutil.Program(t, "prlimit")
	for setting, option := range map[string]string{
		"LimitAS=": "--as=2000000000", "LimitDATA=": "--data=200000000", "LimitFSIZE=": "--fsize=65536",
	} {
		run := t.TempDir()
		cmd := exec.Command(prlimit, option, "availd", "run", "--listen="+filepath.Join(run, "s"), "--protocol=queue", "--name=web", "--", "rogue", "queue")
		cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+run, "NOTIFY_SOCKET=")
		out, err := cmd.CombinedOutput()
		text := string(out)
		if cmd.ProcessState.ExitCode() != 71 || strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "availd: "+setting+" of ") {
			t.Errorf("%s %v: %s", setting, err, text)
		}
	}
}
