package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlainBuild: what a plain go build makes runs, and names the modules in it.
func TestPlainBuild(t *testing.T) {
	program := filepath.Join(t.TempDir(), "availd")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(program, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "availd ") || !strings.Contains(string(out), "\n  golang.org/x/sys v") {
		t.Errorf("version says %q, %v", out, err)
	}
}
