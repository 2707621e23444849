package reap

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// hierarchies are where systemd keeps its groups, by the controller list in
// /proc/PID/cgroup: "" is cgroup v2, alone or beside v1 (the hybrid layout).
var hierarchies = []struct {
	controllers string
	mounts      []string
}{
	{"name=systemd", []string{"/sys/fs/cgroup/systemd"}},
	{"", []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}},
}

// serviceGroup is the directory of the service's cgroup. A socket unit's is
// beside it, under the same name.
func serviceGroup() (string, error) {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	for _, h := range hierarchies {
		path, ok := groupPath(data, h.controllers)
		if !ok {
			continue
		}
		path, err := unitPath(path)
		if err != nil {
			return "", err
		}
		for _, mount := range h.mounts {
			dir := filepath.Join(mount, path)
			if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil {
				return dir, nil
			}
		}
	}
	return "", fs.ErrNotExist
}

// groupPath finds the path of one hierarchy: lines are ID:CONTROLLERS:PATH.
func groupPath(data []byte, controllers string) (string, bool) {
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) == 3 && parts[1] == controllers {
			return parts[2], true
		}
	}
	return "", false
}

var errNoUnit = errors.New("this process is in no .service or .socket unit; availd reap is for ExecStopPost= only")

// unitPath cuts path after the unit, and turns a socket's into its service's.
func unitPath(path string) (string, error) {
	parts := strings.Split(path, "/")
	for i := len(parts) - 1; i >= 0; i-- {
		name, isSocket := strings.CutSuffix(parts[i], ".socket")
		if isSocket {
			parts[i] = name + ".service"
		}
		if strings.HasSuffix(parts[i], ".service") && !strings.HasPrefix(parts[i], "user@") {
			return strings.Join(parts[:i+1], "/"), nil
		}
	}
	return "", fmt.Errorf("%s: %w", path, errNoUnit)
}

// members are the pids in the group. A group that is gone has none.
func members(group string) ([]int, error) {
	data, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var pids []int
	for word := range strings.FieldsSeq(string(data)) {
		if pid, err := strconv.Atoi(word); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// ancestry is pid and its parents.
func ancestry(pid int) []int {
	var line []int
	for pid > 1 && len(line) < 32 {
		line = append(line, pid)
		pid = parent(pid)
	}
	return line
}

func parent(pid int) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name in parentheses may hold anything, so the fields count from its end.
	_, rest, _ := strings.Cut(string(data[bytes.LastIndexByte(data, ')'):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[1])
	return n
}

// isMain reports whether pid is an `availd run`: the same program as this one,
// perhaps replaced on disk meanwhile.
func isMain(pid int) bool {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return false
	}
	words := strings.Split(string(args), "\x00")
	return len(words) > 2 && words[1] == "run" && program(pid) != "" && program(pid) == program(os.Getpid())
}

func program(pid int) string {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(exe, " (deleted)")
}
