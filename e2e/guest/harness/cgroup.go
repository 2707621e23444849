package harness

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
// first; those in groups below it (Delegate=) are not among them, and neither
// are zombies.
func (u *Unit) Processes() []Process { return processesOf(cgroupDir(u.Service())) }

// Workers are the service's processes that are not availd: neither the main
// one, nor one that a unit runs to reload or to reap, nor a worker before its
// exec. Nor are they what systemd itself is until it executes one of these.
func (u *Unit) Workers() []Process { return workersAmong(u.Processes()) }

func workersAmong(all []Process) []Process {
	var workers []Process
	for _, p := range all {
		if exe := p.Exe(); exe != "" && !ofAvaild(exe) && !ofSystemd(exe) {
			workers = append(workers, p)
		}
	}
	return workers
}

// ofAvaild: wherever a scenario has put it, and what an upgrade tries there.
func ofAvaild(exe string) bool { return filepath.Base(exe) == filepath.Base(Availd) }

// ofSystemd: PID 1 of 252 forks for a command of a unit, that of 257 spawns its
// systemd-executor.
func ofSystemd(exe string) bool {
	return strings.HasPrefix(exe, "/usr/lib/systemd/") || strings.HasPrefix(exe, "/lib/systemd/")
}

// processesOf reads cgroup.procs; none when the group is gone.
func processesOf(dir string) []Process {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	var all []Process
	for field := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			all = append(all, Process{pid})
		}
	}
	return all
}
