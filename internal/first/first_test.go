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
		if got := show(t, c.script); !strings.HasPrefix(got, c.want+" ") {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func show(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("env", "-u", "NOTIFY_SOCKET", "/bin/sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestDescriptors: the limit is the one of the start although Go has raised it,
// in a binary without the entry too.
func TestDescriptors(t *testing.T) {
	for _, program := range []string{build(t, "-E "+Entry), build(t, "")} {
		got := show(t, "ulimit -Sn 100; ulimit -Hn 200; exec "+program)
		if want := " 100 200 true"; !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want it to end with %q", got, want)
		}
	}
}
