package procfs

import (
	"bytes"
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
	var buf statusBuffer
	s := status(pid, &buf)
	return has(s.value("SigCgt"), sig) || has(s.value("SigIgn"), sig)
}

// Handles reports whether a process has a handler for a signal; false also where that
// cannot be told.
func Handles(pid int, sig unix.Signal) bool {
	var buf statusBuffer
	return has(status(pid, &buf).value("SigCgt"), sig)
}

// MayBeStopped reports whether a process is stopped by SIGSTOP, is about to be, or
// cannot be told. SIGCONT does nothing to one that runs and has no handler for it, so
// that only those with one are looked at closely.
func MayBeStopped(pid int) bool {
	var buf statusBuffer
	s := status(pid, &buf)
	state := s.value("State")
	return state == "" || strings.HasPrefix(state, "T") || has(s.value("SigPnd"), unix.SIGSTOP) ||
		has(s.value("ShdPnd"), unix.SIGSTOP) || !has(s.value("SigCgt"), unix.SIGCONT)
}

// WaitCount is how often the threads of a process have waited for something so far
// (voluntary_ctxt_switches of proc_pid_status(5)), all together.
func WaitCount(pid int) (n uint64) {
	threads, _ := Threads(pid)
	for _, thread := range threads[:min(len(threads), mostWaiting)] {
		data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/status", pid, thread))
		times, _ := strconv.ParseUint(statusText(data).value("voluntary_ctxt_switches"), 10, 64)
		n += times
	}
	return n
}

// mostWaiting bounds how many threads of a process are counted.
const mostWaiting = 64

// DumpsCore reports whether the kernel is writing a core dump of a process (Linux 4.15).
func DumpsCore(pid int) bool {
	var buf statusBuffer
	return status(pid, &buf).value("CoreDumping") == "1"
}

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

// statusText is what /proc/PID/status says (proc_pid_status(5)), and statusBuffer has room
// for it where the process is in some hundred groups at most.
type (
	statusText   []byte
	statusBuffer [4096]byte
)

// status reads it; nothing where it cannot be read.
func status(pid int, buf *statusBuffer) statusText {
	name := "/proc/" + strconv.Itoa(pid) + "/status"
	data, err := ReadStart(name, buf[:])
	if err == nil && len(data) == len(buf) {
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return nil
	}
	return data
}

// value is what stands behind a name, "" = nothing. The status of thousands of workers is
// read at a time, so no line is made a string that is not asked for.
func (s statusText) value(name string) string {
	for line := range bytes.Lines(s) {
		if len(line) > len(name) && line[len(name)] == ':' && string(line[:len(name)]) == name {
			return string(bytes.TrimSpace(line[len(name)+1:]))
		}
	}
	return ""
}

// has reports whether a set of signals, as status has it, has one.
func has(set string, sig unix.Signal) bool {
	n, err := strconv.ParseUint(set, 16, 64)
	return err == nil && n>>(sig-1)&1 != 0
}
