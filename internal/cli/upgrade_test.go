package cli

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestUpgradeAll: all are those that this user may upgrade and that run. One whose socket
// is left over is none, and those of others are theirs; where there are no others, that
// is said.
func TestUpgradeAll(t *testing.T) {
	dir := t.TempDir()
	was := systemRoot
	systemRoot = filepath.Join(dir, "system")
	t.Cleanup(func() { systemRoot = was })
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(dir, "user"))
	for _, path := range []string{"system/stopped", "user/availd"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	left, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(left, &syscall.SockaddrUnix{Name: filepath.Join(dir, "system/stopped/control")}); err != nil {
		t.Fatal(err)
	}
	_ = syscall.Close(left)
	c := cli.NewContext(&cli.App{Writer: io.Discard}, nil, &cli.Context{Context: t.Context()})
	if err := upgradeAll(c); err != nil {
		t.Errorf("with one that was stopped: %v", err)
	}
	s := deploy(t, "queue", 1)
	if err := os.Symlink(s.path("run"), filepath.Join(dir, "user/availd/web")); err != nil {
		t.Fatal(err)
	}
	if err := upgradeAll(c); err != nil {
		t.Errorf("with one that runs: %v", err)
	}
	if os.Geteuid() == 0 {
		return // may read everything
	}
	if err := os.Chmod(filepath.Join(dir, "system"), 0); err != nil {
		t.Fatal(err)
	}
	if err := upgradeAll(c); err != nil {
		t.Errorf("with another user's beside it: %v", err)
	}
	s.end()
	if err := upgradeAll(c); !isDenied(err) {
		t.Errorf("with nothing but another user's: %v", err)
	}
}
