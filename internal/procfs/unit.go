package procfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrNoUnit says that this process runs in no .service or .socket unit.
var ErrNoUnit = errors.New("this process is in no .service or .socket unit")

// Unit is a unit of the service manager with its control group: systemd keeps one group a
// unit, in cgroup v2, in the name=systemd hierarchy of v1, or in both. It is only read:
// nothing here makes groups or moves processes.
type Unit struct {
	Name string // such as web.service, "" = the service of a control group namespace
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

// OwnUnit returns the unit of this process. Its name is "" in a control group namespace
// (ProtectControlGroups=strict or private, systemd 257), where it cannot be told.
func OwnUnit() (Unit, error) {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return Unit{}, err
	}
	unit, err := find(string(data), isGroup)
	if errors.Is(err, ErrNoUnit) && os.Getenv("INVOCATION_ID") != "" { // systemd.exec(5)
		if dir := namespaced("/sys/fs/cgroup", string(data), os.Getpid()); dir != "" {
			return Unit{Dir: dir}, nil
		}
	}
	return unit, err
}

// namespaced returns mount, where cgroup v2 is, if its root is the group of the service
// that this process with the number pid belongs to: systemd makes that group the root of
// the namespace, and what is below it are the service's own (systemd.exec(5)). It returns
// "" for the root of the host, and where mount is that of another namespace.
func namespaced(mount, text string, pid int) string {
	for _, m := range Memberships(text) {
		if m.Controllers != "" || strings.Contains(m.Path, ".slice") || strings.Contains(m.Path, ".scope") {
			continue
		}
		// The host's root alone has no such file (cgroups(7)).
		if _, err := os.Stat(filepath.Join(mount, "cgroup.events")); err != nil {
			continue
		}
		if slices.Contains(members(filepath.Join(mount, m.Path)), pid) {
			return mount
		}
	}
	return ""
}

// Membership is a line of /proc/PID/cgroup, ID:CONTROLLERS:PATH (cgroups(7)).
type Membership struct{ Controllers, Path string }

// Memberships reads the text of such a file.
func Memberships(text string) (all []Membership) {
	for line := range strings.Lines(text) {
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 {
			all = append(all, Membership{parts[1], parts[2]})
		}
	}
	return all
}

// find looks for the unit in the text of /proc/PID/cgroup.
func find(text string, exists func(dir string) bool) (Unit, error) {
	found := Unit{}
	for _, h := range hierarchies {
		for _, m := range Memberships(text) {
			path, name := unitPath(m.Path)
			if m.Controllers != h.controllers || name == "" {
				continue
			}
			found.Name = name
			if strings.Contains("/"+path, "/../") { // outside of our control group namespace: it is mounted nowhere here
				continue
			}
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

// mostGroups bounds how many groups of a unit are looked at.
const mostGroups = 1000

// Members are the pids in the unit's group and in those below it: of DelegateSubgroup=,
// of ExecStartPost= and the like beside Delegate= (.control), and the service's own. A
// group that is gone has none.
func (u Unit) Members() ([]int, error) {
	if u.Dir == "" {
		return nil, fmt.Errorf("the control group of %s: %w", u.Name, fs.ErrNotExist)
	}
	if _, err := os.ReadFile(filepath.Join(u.Dir, "cgroup.procs")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var pids []int
	looks := 0
	_ = filepath.WalkDir(u.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() { // a group that has just gone, a file
			return nil
		}
		if looks++; looks > mostGroups {
			return filepath.SkipAll
		}
		pids = append(pids, members(path)...)
		return nil
	})
	return pids, nil
}

// members are the pids in one group; those of other pid namespaces are 0 there, and
// left out.
func members(dir string) (pids []int) {
	data, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	for word := range strings.FieldsSeq(string(data)) {
		if pid, err := strconv.Atoi(word); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}
