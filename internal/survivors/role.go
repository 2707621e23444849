package survivors

import (
	"os"
	"strings"

	"github.com/availd/availd/internal/procfs"
)

// ancestry is pid and its parents.
func ancestry(pid int) (line []int) {
	procfs.Ancestors(pid, func(pid int) bool {
		line = append(line, pid)
		return true
	})
	return line
}

// role is what pid does if it is this very program: the first word of its
// command line, such as run or reap. It is "" for other programs.
func role(pid int) string {
	program, words := procfs.Program(pid), procfs.Arguments(pid)
	if program == "" || program != procfs.Program(os.Getpid()) || len(words) < 2 {
		return ""
	}
	return words[1]
}

// isManagers reports whether pid still runs the service manager's own code: a
// child of it that has not executed its command yet, which may be another reap.
// Newer managers execute a helper beside themselves first.
func isManagers(pid int) bool {
	manager := procfs.Program(os.Getppid())
	return manager != "" && strings.HasPrefix(procfs.Program(pid), manager)
}
