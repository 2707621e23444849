package survivors

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/worker"
)

// Real is the world of this process, whose workers lead sessions or do not.
func Real(sessions bool) World {
	return World{
		Members: members, Self: os.Getpid(), Manager: os.Getppid(), Sessions: sessions,
		Open:  func(pid int) (int, error) { return unix.PidfdOpen(pid, 0) }, // close-on-exec
		PidOf: procfs.PidOf, Stat: procfs.ReadStat, Generation: generation,
		Inherited: inherited, Family: family,
	}
}

// family is the template that a process is, or was forked by. A fork has the environment
// that its template was started with; what has executed a program since has that of its
// worker, in which LISTEN_PID is the worker's.
func family(pid int) (template int, ok bool) {
	text, ok := procfs.Environ(pid, envTemplatePID)
	if told, has := procfs.Environ(pid, "LISTEN_PID"); !ok || has && told != text {
		return 0, false
	}
	template, err := strconv.Atoi(text)
	return template, err == nil
}

// envTemplatePID is the variable that says a template's own pid; package template, which has
// the name too, is a leaf beside this one.
const envTemplatePID = "AVAILD_TEMPLATE_PID"

// generation is what a worker was told when it was started.
func generation(pid int) (uint64, bool) {
	value, ok := procfs.Environ(pid, worker.EnvGeneration)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(value, 10, 64)
	return n, err == nil
}

// inherited compares the pid that a worker was told when it was started. A worker
// before its exec was told neither, and those of protocols without LISTEN_PID
// never are.
func inherited(pid int) bool {
	if !isWorker(pid) {
		return false
	}
	if _, forked := family(pid); forked {
		return false
	}
	told, ok := procfs.Environ(pid, "LISTEN_PID")
	return ok && told != strconv.Itoa(pid)
}
