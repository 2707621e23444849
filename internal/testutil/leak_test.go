package testutil

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// With this variable the one test leaves something behind.
const leaves = "LEAK_TEST_LEAVES"

func TestMain(m *testing.M) { Main(m) }

// TestMainFinds runs this binary again, with a test that passes.
func TestMainFinds(t *testing.T) {
	switch os.Getenv(leaves) {
	case "nothing":
		return
	case "a descriptor":
		if _, err := unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		return
	case "a child":
		if err := exec.Command("/bin/true").Start(); err != nil {
			t.Fatal(err)
		}
		return
	}
	for what, says := range map[string]string{"nothing": "PASS", "a descriptor": "anon_inode:[eventfd]", "a child": "a child was left"} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestMainFinds$")
		cmd.Env = []string{leaves + "=" + what}
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); (code == 99) == (what == "nothing") || !strings.Contains(string(out), says) {
			t.Errorf("who leaves %s ends with %d, %v: %s", what, code, err, out)
		}
	}
}
