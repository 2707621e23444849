package startlimit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDescriptors: the limit is the one of the start although Go has raised it.
func TestDescriptors(t *testing.T) {
	program := filepath.Join(t.TempDir(), "show")
	build := exec.Command("go", "build", "-o", program, "./testdata/show")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command("/bin/sh", "-c", "ulimit -Sn 100; ulimit -Hn 200; exec "+program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, want := strings.TrimSpace(string(out)), "100 200 true"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
