package daemon

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/availd/availd/internal/cgroup"
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
