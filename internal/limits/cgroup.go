package limits

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/availd/availd/internal/procfs"
)

// Resource is something that control groups bound.
type Resource struct {
	controller string // of a v1 hierarchy
	most, used string // files of cgroup v2
	v1         [2]string
}

// The resources that a worker takes of. TasksMax= and MemoryMax= of
// systemd.resource-control(5) set them.
var (
	Tasks  = Resource{"pids", "pids.max", "pids.current", [2]string{"pids.max", "pids.current"}}
	Memory = Resource{"memory", "memory.max", "memory.current", [2]string{"memory.limit_in_bytes", "memory.usage_in_bytes"}}
)

// unlimited is where v1 begins to mean no limit: it has no word for it, and
// rounds the largest number down to a page.
const unlimited = 1 << 62

// Room is how much of a resource is left in the group of this process, and in
// all groups around it; false: nothing bounds it.
func Room(r Resource) (left uint64, bounded bool) {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	return room("/sys/fs/cgroup", string(data), r)
}

// room looks below root, where the hierarchies are mounted; text is that of
// /proc/PID/cgroup.
func room(root, text string, r Resource) (left uint64, bounded bool) {
	for _, m := range procfs.Memberships(text) {
		var mounts []string
		var files [2]string
		switch {
		case m.Controllers == "": // v2
			mounts, files = []string{root, filepath.Join(root, "unified")}, [2]string{r.most, r.used}
		case strings.Contains(","+m.Controllers+",", ","+r.controller+","):
			mounts, files = []string{filepath.Join(root, m.Controllers), filepath.Join(root, r.controller)}, r.v1
		}
		for _, mount := range slices.Compact(mounts) {
			if n, ok := least(mount, m.Path, files); ok && (!bounded || n < left) {
				left, bounded = n, true
			}
		}
	}
	return left, bounded
}

// least is the smallest room in the group at path and those around it.
func least(mount, path string, files [2]string) (left uint64, bounded bool) {
	for path = filepath.Clean("/" + path); ; path = filepath.Dir(path) {
		dir := filepath.Join(mount, path)
		most, ok := readNumber(filepath.Join(dir, files[0]))
		if used, known := readNumber(filepath.Join(dir, files[1])); ok && known && most < unlimited {
			if n := most - min(used, most); !bounded || n < left {
				left, bounded = n, true
			}
		}
		if path == "/" {
			return left, bounded
		}
	}
}

// readNumber reads a file with one number; the word max is none.
func readNumber(name string) (uint64, bool) {
	var buf [32]byte // a number has 20 digits at most
	data, err := procfs.ReadStart(name, buf[:])
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	return n, err == nil
}
