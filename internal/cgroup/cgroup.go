// Package cgroup finds the control group of the unit that this process runs in,
// and who else is in it. systemd keeps one group a unit, in cgroup v2, in the
// name=systemd hierarchy of v1, or in both.
//
// It only reads. It neither makes groups nor moves processes.
//
// # Diagnostics
//
// Errors go to the caller; [ErrNoUnit] says that this process is in no unit.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrNoUnit says that this process runs in no .service or .socket unit.
var ErrNoUnit = errors.New("this process is in no .service or .socket unit")

// Unit is a unit with its group.
type Unit struct {
	Name string // such as web.service
	Dir  string // of its group, "" = not found below /sys/fs/cgroup
}

// hierarchies are where systemd keeps its groups, by the controller list in
// /proc/PID/cgroup: "" is cgroup v2, alone or beside v1 (the hybrid layout). On
// a pure v2 system a line of a v1 hierarchy may be there too, with the path /.
var hierarchies = []struct {
	controllers string
	mounts      []string
}{
	{"", []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}},
	{"name=systemd", []string{"/sys/fs/cgroup/systemd"}},
}

// Own returns the unit of this process.
func Own() (Unit, error) {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return Unit{}, err
	}
	return find(string(data), isGroup)
}

// membership is a line of /proc/PID/cgroup, ID:CONTROLLERS:PATH (cgroups(7)).
type membership struct{ controllers, path string }

func memberships(text string) (all []membership) {
	for line := range strings.Lines(text) {
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 {
			all = append(all, membership{parts[1], parts[2]})
		}
	}
	return all
}

// find looks for the unit in the text of /proc/PID/cgroup.
func find(text string, exists func(dir string) bool) (Unit, error) {
	found := Unit{}
	for _, h := range hierarchies {
		for _, m := range memberships(text) {
			path, name := unitPath(m.path)
			if m.controllers != h.controllers || name == "" {
				continue
			}
			found.Name = name
			for _, mount := range h.mounts {
				if dir := filepath.Join(mount, path); exists(dir) {
					return Unit{Name: name, Dir: dir}, nil
				}
			}
		}
	}
	if found.Name == "" {
		return found, ErrNoUnit
	}
	return found, nil
}

// unitPath cuts path after the innermost unit; groups that a service made below
// its own are cut off.
func unitPath(path string) (unit, name string) {
	parts := strings.Split(path, "/")
	for i := len(parts) - 1; i >= 0; i-- {
		p := parts[i]
		isUnit := strings.HasSuffix(p, ".service") || strings.HasSuffix(p, ".socket")
		if isUnit && !strings.HasPrefix(p, "user@") {
			return strings.Join(parts[:i+1], "/"), p
		}
	}
	return "", ""
}

// Service is the service that u belongs to: itself, or beside a socket the
// service of the same name.
func (u Unit) Service() Unit {
	name, isSocket := strings.CutSuffix(u.Name, ".socket")
	if !isSocket {
		return u
	}
	own := u.Dir
	u.Name = name + ".service"
	if own == "" {
		return u
	}
	u.Dir = filepath.Join(filepath.Dir(own), u.Name)
	if !isGroup(u.Dir) {
		if elsewhere := search(top(own), u.Name); elsewhere != "" {
			u.Dir = elsewhere
		}
	}
	return u
}

func isGroup(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.procs"))
	return err == nil
}

// top is the highest group of the service manager whose unit has the group dir.
func top(dir string) string {
	for dir = filepath.Dir(dir); !strings.HasPrefix(filepath.Base(dir), "user@") && isGroup(filepath.Dir(dir)); {
		dir = filepath.Dir(dir)
	}
	return dir
}

// search looks for the group of a unit that is in another slice (Slice= of
// systemd.resource-control(5)); "" = there is none.
func search(top, name string) (found string) {
	_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir(): // a group that has just gone
			return nil
		case d.Name() == name:
			found = path
			return filepath.SkipAll
		case path != top && !strings.HasSuffix(d.Name(), ".slice"): // a unit's own affair
			return filepath.SkipDir
		}
		return nil
	})
	return found
}

// Members are the pids in the unit's own group. A group that is gone has none.
func (u Unit) Members() ([]int, error) {
	if u.Dir == "" {
		return nil, fmt.Errorf("the control group of %s: %w", u.Name, fs.ErrNotExist)
	}
	data, err := os.ReadFile(filepath.Join(u.Dir, "cgroup.procs"))
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
