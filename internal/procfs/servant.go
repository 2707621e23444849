package procfs

import "golang.org/x/sys/unix"

// mostServants bounds the way down to the process that works.
const mostServants = 4

// Servant is the process that works for another one: itself, or one that it has started and
// does nothing but wait for, as a shell script does with its last command.
func Servant(pid int) int {
	for range mostServants {
		threads, err := Threads(pid)
		if err != nil || len(threads) != 1 {
			return pid
		}
		c, inCall, err := CallOf(pid, pid)
		if err != nil || !inCall || c.Number != unix.SYS_WAIT4 && c.Number != unix.SYS_WAITID {
			return pid
		}
		children, err := Children(pid)
		if err != nil || len(children) != 1 {
			return pid
		}
		pid = children[0]
	}
	return pid
}
