package spawn

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Find resolves the command that the administrator wrote: a name without a
// slash is looked up in PATH, a relative one is made absolute. The error is a
// [*CommandError].
func Find(command string) (string, error) {
	path, err := exec.LookPath(command)
	if err != nil && !errors.Is(err, exec.ErrDot) {
		var lookup *exec.Error
		if errors.As(err, &lookup) {
			err = lookup.Err
		}
		return "", &CommandError{Path: command, Err: bare(err)}
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", &CommandError{Path: command, Err: err}
	}
	return path, check(path)
}

// check reports whether path can be executed by this process as far as can be
// told without doing it. It may wait for whoever serves the file, so it is asked
// when the configuration is read, and not at a start.
func check(path string) error {
	st, err := os.Stat(path)
	if err == nil && st.IsDir() {
		err = unix.EISDIR
	}
	if err == nil {
		err = unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS)
	}
	if err != nil {
		return &CommandError{Path: path, Err: bare(err)}
	}
	return nil
}

// bare is err without the path, which a CommandError names by itself.
func bare(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
