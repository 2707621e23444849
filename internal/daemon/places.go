package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/cgroup"
	"github.com/availd/availd/internal/report"
)

// runtimeDirectory is the directory that RuntimeDirectory= of the unit made, ""
// if there is none or it is not usable. With several the first counts
// (systemd.exec(5) separates them by colons).
func runtimeDirectory() string {
	dir, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	if dir == "" || !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}

// listenReports opens the report socket: where the administrator says, else in
// the runtime directory, else under an abstract name that nobody can guess.
func listenReports(wanted, dir string) (*report.Socket, error) {
	if wanted != "" {
		return report.Listen(wanted)
	}
	if dir != "" {
		s, err := report.Listen(dir + "/notify")
		if err == nil {
			return s, nil
		}
		if !usual(err) {
			return nil, err
		}
	}
	return report.Listen("")
}

// usual are the reasons for which a runtime directory cannot be used.
func usual(err error) bool {
	return errors.Is(err, report.ErrPathTooLong) || errors.Is(err, os.ErrPermission) ||
		errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.EROFS)
}

// defaultName is the unit's name without its ending, else the command's.
func defaultName(path string) string {
	if unit := unitName(); unit != "" {
		return strings.TrimSuffix(unit, ".service")
	}
	return filepath.Base(path)
}

// unitName is the unit this process runs in, "" outside a service manager: a
// terminal's shell is in a unit too, but that is not what is being served.
func unitName() string {
	if os.Getenv("INVOCATION_ID") == "" {
		return ""
	}
	unit, err := cgroup.Own()
	if err != nil {
		return ""
	}
	return unit.Name
}
