package reap

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

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
	text := string(data)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
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
