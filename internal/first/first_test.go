package first

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build links the program that shows what was seen, with flags for the linker.
func build(t *testing.T, ldflags string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "show")
	cmd := exec.Command("go", "build", "-ldflags", ldflags, "-o", program, "./testdata/show")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

func TestDisposition(t *testing.T) {
	with, without := build(t, "-E "+Entry), build(t, "")
	for _, c := range []struct{ name, script, want string }{
		{"ignored", "trap '' PIPE; exec " + with, "true true"},
		{"default", "exec " + with, "true false"},
		{"arguments and environment survive", "X=1 exec " + with + " a b c", "true false"},
		{"not looked, no manager", "exec " + without, "false false"},
		{"not looked, under a manager", "NOTIFY_SOCKET=/x exec " + without, "false true"},
	} {
		out, err := exec.Command("env", "-u", "NOTIFY_SOCKET", "/bin/sh", "-c", c.script).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.want {
			t.Errorf("%s: got %q %v, want %q", c.name, got, err, c.want)
		}
	}
}
