package daemon

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/procfs"
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

// defaultName is the unit's name without its ending, else that of the file that describes
// the whole service, else the command's.
func defaultName(path string, cfg config.Config) string {
	if unit := unitName(); unit != "" {
		return strings.TrimSuffix(unit, ".service")
	}
	if cfg.OneFile {
		return strings.TrimSuffix(filepath.Base(cfg.File), ".conf")
	}
	return filepath.Base(path)
}

// unitName is the unit this process runs in, "" outside a service manager: a
// terminal's shell is in a unit too, but that is not what is being served.
func unitName() string {
	if os.Getenv("INVOCATION_ID") == "" {
		return ""
	}
	unit, err := procfs.OwnUnit()
	if err != nil {
		return ""
	}
	if dir := runtimeDirectory(); unit.Name == "" && strings.HasSuffix(filepath.Dir(dir), "/availd") {
		// In a control group namespace only the runtime directory tells it, which is
		// availd/NAME in the units that availd writes.
		return filepath.Base(dir) + ".service"
	}
	return unit.Name
}
