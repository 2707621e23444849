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

// role is what pid does if it is this very program, perhaps replaced on disk
// meanwhile: the first word of its command line, such as run or reap. It is ""
// for other programs.
func role(pid int) string {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || program(pid) == "" || program(pid) != program(os.Getpid()) {
		return ""
	}
	words := strings.Split(string(args), "\x00")
	if len(words) < 2 {
		return ""
	}
	return words[1]
}

func program(pid int) string {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(exe, " (deleted)")
}
