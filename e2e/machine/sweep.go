package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What a run leaves on the host while it lives is named for its process, so
// that the next run can tell what a killed one could not remove.
const ownPrefix = "availd-e2e-"

func ownName(name string) string { return fmt.Sprintf("%s%s-%d", ownPrefix, name, os.Getpid()) }

// TempDir makes a directory that the caller removes; if this process is killed
// before, a later Boot does.
func TempDir() (string, error) {
	return os.MkdirTemp("", fmt.Sprintf("%s*-%d", ownPrefix, os.Getpid()))
}

// sweep removes what runs left that no longer live. Their machines died with
// them: a control group with processes cannot be removed anyway, so errors do
// not matter here.
func sweep() {
	for _, h := range hierarchies {
		for _, dir := range orphans(h) {
			_ = rmdirs(dir)
		}
	}
	for _, dir := range orphans("/run/systemd/nspawn/propagate") { // mount points, nspawn's own
		_ = os.Remove(dir)
	}
	for _, dir := range orphans(os.TempDir()) {
		_ = os.RemoveAll(dir)
	}
}

// orphans are the entries of a directory that are named for a process that is
// gone.
func orphans(dir string) []string {
	var found []string
	names, _ := filepath.Glob(filepath.Join(dir, ownPrefix+"*-*"))
	for _, name := range names {
		pid, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
		if err == nil && pid > 0 && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			found = append(found, name)
		}
	}
	return found
}
