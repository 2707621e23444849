package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/testutil"
)

// TestListenReportsElsewhere: a runtime directory that has no place for a socket, for
// whatever reason, is no reason to serve nobody.
func TestListenReportsElsewhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{
		"absent": filepath.Join(t.TempDir(), "absent"), "a file": file, "a loop of links": loop,
		"a long name": "/" + strings.Repeat("x", 300), "a long path": "/run/" + strings.Repeat("x", 120),
	} {
		t.Run(name, func(t *testing.T) { listensElsewhere(t, dir) })
	}
	t.Run("full", func(t *testing.T) {
		testutil.Root(t)
		dir := t.TempDir()
		if err := unix.Mount("test", dir, "tmpfs", 0, "nr_inodes=2"); err != nil {
			t.Skip("no file system can be mounted: ", err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		for n := range 2 {
			_ = os.WriteFile(filepath.Join(dir, string(rune('a'+n))), nil, 0o600)
		}
		if err := os.WriteFile(filepath.Join(dir, "more"), nil, 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("the directory is not full: %v", err)
		}
		listensElsewhere(t, dir)
	})
}

func listensElsewhere(t *testing.T, dir string) {
	t.Helper()
	s, err := listenReports("", dir)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.Address(), "@") {
		t.Errorf("it listens on %s", s.Address())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestListenReportsInUse: another availd that answers there is one.
func TestListenReportsInUse(t *testing.T) {
	dir := t.TempDir()
	s, err := listenReports("", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := listenReports("", dir); !errors.Is(err, report.ErrInUse) {
		t.Errorf("a second one: %v, want ErrInUse", err)
	}
}
