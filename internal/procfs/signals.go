package procfs

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Catches reports whether a process does something of its own on a signal, or
// ignores it; false: it has the default effect, or cannot be told
// (proc_pid_status(5)).
func Catches(pid int, sig unix.Signal) bool {
	s := status(pid)
	return has(s["SigCgt"], sig) || has(s["SigIgn"], sig)
}

// Handles reports whether a process has a handler for a signal; false also where that
// cannot be told.
func Handles(pid int, sig unix.Signal) bool { return has(status(pid)["SigCgt"], sig) }

// MayBeStopped reports whether a process is stopped by SIGSTOP, is about to be, or
// cannot be told. SIGCONT does nothing to one that runs and has no handler for it, so
// that only those with one are looked at closely.
func MayBeStopped(pid int) bool {
	s := status(pid)
	return s["State"] == "" || strings.HasPrefix(s["State"], "T") || has(s["SigPnd"], unix.SIGSTOP) ||
		has(s["ShdPnd"], unix.SIGSTOP) || !has(s["SigCgt"], unix.SIGCONT)
}

// WaitCount is how often the threads of a process have waited for something so far
// (voluntary_ctxt_switches of proc_pid_status(5)), all together.
func WaitCount(pid int) (n uint64) {
	threads, _ := Threads(pid)
	for _, thread := range threads[:min(len(threads), mostWaiting)] {
		data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/status", pid, thread))
		times, _ := strconv.ParseUint(parseStatus(data)["voluntary_ctxt_switches"], 10, 64)
		n += times
	}
	return n
}

// mostWaiting bounds how many threads of a process are counted.
const mostWaiting = 64

// DumpsCore reports whether the kernel is writing a core dump of a process (Linux 4.15).
func DumpsCore(pid int) bool { return status(pid)["CoreDumping"] == "1" }

// mostDumps bounds how many descendants are looked at.
const mostDumps = 64

// DumpsCoreAny is DumpsCore for a process and those descendants that are in its process
// group, which a signal to the group reaches.
func DumpsCoreAny(pid int) bool {
	list := []int{pid}
	for i := 0; i < len(list) && i < mostDumps; i++ {
		s, ok := ReadStat(list[i])
		if (ok && s.Group == pid || list[i] == pid) && DumpsCore(list[i]) {
			return true
		}
		children, _ := Children(list[i])
		list = append(list, children...)
	}
	return false
}

// status are the lines of /proc/PID/status; none where it cannot be read.
func status(pid int) map[string]string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return parseStatus(data)
}

func parseStatus(data []byte) map[string]string {
	lines := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		lines[name] = strings.TrimSpace(value)
	}
	return lines
}

// has reports whether a set of signals, as status has it, has one.
func has(set string, sig unix.Signal) bool {
	n, err := strconv.ParseUint(set, 16, 64)
	return err == nil && n>>(sig-1)&1 != 0
}
