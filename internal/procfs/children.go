package procfs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Children are the processes that a process has started, or got as orphans, as far as
// the kernel tells (CONFIG_PROC_CHILDREN, which distributions have on). A process that is
// gone has none; an error says that there may be more.
func Children(pid int) (pids []int, err error) {
	threads, err := Threads(pid)
	if IsGone(err) {
		return nil, nil
	}
	for _, thread := range threads {
		list, failed := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, thread))
		if failed != nil && !IsGone(failed) {
			err = failed
		}
		for word := range strings.FieldsSeq(string(list)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids, err
}

// mostAncestors bounds the way up the process tree, should parents change meanwhile.
const mostAncestors = 64

// Ancestors visits a process and its parents, without process 1. What may not be seen
// (hidepid= of proc(5)) ends it.
func Ancestors(pid int, visit func(pid int) (more bool)) {
	for range mostAncestors {
		if pid <= 1 || !visit(pid) {
			return
		}
		s, ok := ReadStat(pid)
		if !ok {
			return
		}
		pid = s.Parent
	}
}
