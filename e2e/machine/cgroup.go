package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Where control groups can be mounted: cgroup v2 alone; or, on hybrid hosts,
// v2 beside systemd's own v1 hierarchy, and nspawn uses both.
var hierarchies = []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified", v1Hierarchy}

const v1Hierarchy = "/sys/fs/cgroup/systemd"

// cgroups are the control groups of one machine, one a hierarchy. Without
// groups of their own all machines would share /system.slice, and the
// KillMode= of one would look at the processes of another.
type cgroups []string

// newCgroups makes the groups. The name tells the process that owns them, for
// sweep. On error none is left.
func newCgroups(name string) (cgroups, error) {
	var made cgroups
	for _, h := range hierarchies {
		if _, err := os.Stat(filepath.Join(h, "cgroup.procs")); err != nil {
			continue // not a hierarchy, or not there
		}
		dir := filepath.Join(h, ownName(name))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, errors.Join(err, made.remove())
		}
		made = append(made, dir)
	}
	if len(made) == 0 {
		return nil, fmt.Errorf("%w: no control group hierarchy under /sys/fs/cgroup", ErrUnavailable)
	}
	return made, nil
}

// remove removes the groups and all below them. Processes that are exiting hold
// theirs for a moment longer; those that live make it an error.
func (c cgroups) remove() error {
	turn := time.NewTicker(20 * time.Millisecond)
	defer turn.Stop()
	deadline := time.After(3 * time.Second)
	for {
		var errs []error
		for _, dir := range c {
			errs = append(errs, rmdirs(dir))
		}
		err := errors.Join(errs...)
		if err == nil {
			return nil
		}
		select {
		case <-turn.C:
		case <-deadline:
			return err
		}
	}
}

// rmdirs removes a tree of control groups from its leaves: their files go with
// them and cannot be removed.
func rmdirs(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, rmdirs(filepath.Join(dir, e.Name())))
		}
	}
	if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
		errs = append(errs, os.NewSyscallError("rmdir "+dir, err))
	}
	return errors.Join(errs...)
}
