package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/event"
)

// systemRoot is that of the system's services; a variable so that tests have their own.
var systemRoot = "/run/availd"

// runtimeRoots are the directories below which RuntimeDirectory=availd/NAME
// lies: of the system, and of this user's own service manager.
func runtimeRoots() []string {
	roots := []string{systemRoot}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		roots = append(roots, filepath.Join(dir, "availd"))
	}
	return roots
}

func controlPaths(name string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	var paths []string
	for _, root := range runtimeRoots() {
		paths = append(paths, filepath.Join(root, name, "control"))
	}
	return paths
}

// controlPath finds the control socket of a service by its name, the system's
// before the user's; a path is taken as it is.
func controlPath(name string) (string, error) {
	for _, path := range controlPaths(name) {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if isDenied(err) {
			return "", barred(path)
		}
	}
	return "", notRunning(name, event.NoSuchPath.With(event.Path(controlPaths(name)[0])))
}

// exitNotRunning is the status when there is no such service.
const exitNotRunning = 3

// notRunning says how that was found out, and who knows more: the service, which may
// have failed, as much as its socket.
func notRunning(name string, why error) error {
	said := event.NotRunning
	if strings.Contains(name, "/") {
		said = event.NotRunningPath
	}
	return &daemon.Exit{Status: exitNotRunning, Err: said.With(event.Name(name), event.Cause(why))}
}

func isNotRunning(err error) bool {
	var exit *daemon.Exit
	return errors.As(err, &exit) && exit.Status == exitNotRunning
}

// allControlPaths finds those of all services, and says which places may not be
// looked into.
func allControlPaths() (paths []string, denied []error) {
	for _, root := range runtimeRoots() {
		entries, err := os.ReadDir(root)
		if isDenied(err) {
			denied = append(denied, barred(root))
		}
		for _, e := range entries {
			path := filepath.Join(root, e.Name(), "control")
			switch _, err := os.Stat(path); {
			case err == nil:
				paths = append(paths, path)
			case isDenied(err):
				denied = append(denied, barred(path))
			}
		}
	}
	return paths, denied
}

func isDenied(err error) bool { return errors.Is(err, fs.ErrPermission) }

// isGone: the socket's file outlived who listened there.
func isGone(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}

// barred says which place this user may not read, and who may.
func barred(path string) error {
	return &daemon.Exit{Status: 1, Err: &barredError{path, orOwner(path)}}
}

// barredError is a place that this user may not read.
type barredError struct{ path, owner string }

func (e *barredError) Error() string {
	return "permission denied: " + e.path + ": run as root" + e.owner
}

func (e *barredError) Unwrap() error { return fs.ErrPermission }

// orOwner names the user of the nearest place that can be looked at.
func orOwner(path string) string {
	for ; path != "/" && path != "."; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || st.Uid == 0 {
			return ""
		}
		if u, err := user.LookupId(strconv.Itoa(int(st.Uid))); err == nil {
			return " or " + u.Username
		}
		return fmt.Sprintf(" or user %d", st.Uid)
	}
	return ""
}
