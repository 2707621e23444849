package reap

import (
	"os"

	"github.com/availd/availd/internal/procfs"
)

// ancestry is pid and its parents.
func ancestry(pid int) []int {
	var line []int
	for pid > 1 && len(line) < 32 {
		line = append(line, pid)
		s, _ := procfs.ReadStat(pid)
		pid = s.Parent
	}
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
