package harness

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SystemSlice is the control group of the system slice, whose children are the
// groups of the services: in cgroup v2, or in systemd's own hierarchy of v1.
func SystemSlice() string {
	mount := "/sys/fs/cgroup"
	if os.Getenv(EnvV1) == "true" {
		mount += "/systemd"
	}
	return mount + "/system.slice"
}

func cgroupDir(service string) string { return filepath.Join(SystemSlice(), service) }

// Processes are the processes of the service's control group, oldest pid
// first, and those in groups below it (Delegate=); zombies are not among them.
func (u *Unit) Processes() []Process { return processesOf(cgroupDir(u.Service())) }

// Workers are the service's processes that are not availd: neither the main
// one, nor one that a unit runs to reload or to reap, nor a worker before its
// exec. Nor are they what systemd itself is until it executes one of these.
func (u *Unit) Workers() []Process { return workersAmong(u.Processes(), map[Process]bool{}) }

// workersAmong looks closely once at each, and remembers in known who is a worker.
func workersAmong(all []Process, known map[Process]bool) []Process {
	var workers []Process
	for _, p := range all {
		if exe := p.Exe(); exe != "" && !ofAvaild(exe) && !ofSystemd(exe) && (known[p] || !ofTemplate(p)) {
			workers, known[p] = append(workers, p), true
		}
	}
	return workers
}

// ofAvaild: wherever a scenario has put it, and what an upgrade tries there.
func ofAvaild(exe string) bool { return filepath.Base(exe) == filepath.Base(Availd) }

// execLong is longer than a process has its new program and no environment yet, inside
// execve(2), on a busy machine.
const execLong = 100 * time.Millisecond

// ofTemplate: the template and what it has forked are in one process group, until availd
// gives a worker its own. The environment is read once: what is not there at the first of
// two reads may be there at the second.
func ofTemplate(p Process) bool {
	for begin := time.Now(); time.Since(begin) < execLong; {
		group := p.Group()
		switch env := p.Env(); {
		case len(env) > 0:
			return slices.Contains(env, "AVAILD_TEMPLATE_PID="+strconv.Itoa(group))
		case p.Exe() == "": // it has ended meanwhile, as the process between a template and a worker does
			return true
		}
		runtime.Gosched() // inside execve(2)
	}
	return false
}

// ofSystemd: PID 1 of 252 forks for a command of a unit, that of 257 spawns its
// systemd-executor; availd's own commands in a unit ask it by systemctl.
func ofSystemd(exe string) bool {
	return filepath.Base(exe) == "systemctl" ||
		strings.HasPrefix(exe, "/usr/lib/systemd/") || strings.HasPrefix(exe, "/lib/systemd/")
}

// processesOf reads cgroup.procs of a group and of those below it; none when the group
// is gone.
func processesOf(dir string) (all []Process) {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	for field := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			all = append(all, Process{pid})
		}
	}
	entries, _ := os.ReadDir(dir) // it may be gone by now
	for _, e := range entries {
		if e.IsDir() {
			all = append(all, processesOf(filepath.Join(dir, e.Name()))...)
		}
	}
	return all
}
