package machine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestOrphans(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	orphan := filepath.Join(dir, fmt.Sprintf("availd-e2e-current-%d", gone.Process.Pid))
	for _, name := range []string{
		orphan,
		filepath.Join(dir, ownName("current")),
		filepath.Join(dir, fmt.Sprintf("other-%d", gone.Process.Pid)),
		filepath.Join(dir, "availd-e2e-current-0"), // kill(2) would take it for a group
		filepath.Join(dir, "availd-e2e-current-x"),
	} {
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := orphans(dir); !slices.Equal(got, []string{orphan}) {
		t.Errorf("got %q, want %q", got, orphan)
	}
}
