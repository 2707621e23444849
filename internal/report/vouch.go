package report

import "github.com/availd/availd/internal/procfs"

// Vouched returns the worker that pid is or descends from. It asks /proc and
// is meant for --notify-access=all only: a process that has ended, or whose
// parent has, cannot be vouched for, and neither can one that the caller may
// not see (hidepid=, proc(5)).
func Vouched(pid int, isWorker func(pid int) bool) (worker int, ok bool) {
	procfs.Ancestors(pid, func(pid int) bool {
		worker, ok = pid, isWorker(pid)
		return !ok
	})
	if !ok {
		return 0, false
	}
	return worker, true
}
