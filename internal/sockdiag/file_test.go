package sockdiag

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func bindFile(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// TestFile: the file of a socket is removed, and that of another one stays, of which a
// socket that was taken over knows, too.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first := bindFile(t, path)
	made, found := FileAt(path), FileOf(first, path)
	if made != found || made == (File{}) || !made.There() {
		t.Errorf("made %+v, found %+v, there %t", made, found, made.There())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if made.There() || !(File{}).There() {
		t.Error("it is there although it is gone")
	}
	if err := made.Remove(); err != nil {
		t.Errorf("a file that is gone: %v", err)
	}
	second := bindFile(t, path)
	if f := FileOf(first, path); f != (File{}) && !isOverlay(path) {
		t.Errorf("the first socket has the second one's file %+v", f)
	}
	for name, f := range map[string]File{"first": made, "none": {}} {
		if err := f.Remove(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Fatalf("%s has removed the second one's: %v", name, err)
		}
	}
	if err := FileOf(second, path).Remove(); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
