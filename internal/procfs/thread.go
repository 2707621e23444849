package procfs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// IsNative reports whether a process runs a program of our own kind: the numbers of system
// calls of a 32-bit program on a 64-bit system are others.
func IsNative(pid int) bool {
	mine, ok := class("/proc/self/exe")
	its, ok2 := class(fmt.Sprintf("/proc/%d/exe", pid))
	return ok && ok2 && mine == its
}

// class is EI_CLASS of elf(5).
func class(path string) (byte, bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer func() { _ = f.Close() }()
	var head [5]byte
	n, _ := f.Read(head[:])
	return head[4], n == len(head)
}

// ReadString reads a text in a process's memory that ends with a zero byte, of at most so
// many bytes; "" = it cannot be read.
func ReadString(pid int, address uint64, most int) string {
	// What follows the text may be on a page that is not there: a page at a time.
	const page = 4096
	buf := make([]byte, most)
	n := 0
	for n < most {
		rest := min(most-n, page-int((address+uint64(n))%page))
		if !ReadMemory(pid, address+uint64(n), buf[n:n+rest]) {
			return ""
		}
		if text, _, ends := strings.Cut(string(buf[:n+rest]), "\x00"); ends {
			return text
		}
		n += rest
	}
	return string(buf)
}

// ThreadState is the state of a thread as proc_pid_stat(5) has it: R, S, D, T and so on;
// 0 = there is no such thread.
func ThreadState(pid, thread int) byte {
	var buf [1024]byte
	data, err := ReadStart(fmt.Sprintf("/proc/%d/task/%d/stat", pid, thread), buf[:])
	fields := statFields(data)
	if err != nil || len(fields) == 0 || fields[0] == "" {
		return 0
	}
	return fields[0][0]
}

// Wchan is the name of the kernel's function that a thread waits in, as proc_pid_wchan(5)
// has it; "" = it does not wait, or that is not told.
func Wchan(pid, thread int) string {
	var buf [128]byte
	data, err := ReadStart(fmt.Sprintf("/proc/%d/task/%d/wchan", pid, thread), buf[:])
	if name := strings.TrimSpace(string(data)); err == nil && name != "0" {
		return name
	}
	return ""
}

// CPUTime is how much processor time a process has used, all its threads together, in
// nanoseconds of whole clock ticks (10 ms as a rule); false: there is no such process.
func CPUTime(pid int) (nanoseconds int64, ok bool) {
	var buf [1024]byte
	data, err := ReadStart(fmt.Sprintf("/proc/%d/stat", pid), buf[:])
	const user, system, tick = 14 - 3, 15 - 3, 1e9 / 100 // USER_HZ is 100 on all architectures of ours
	fields := statFields(data)
	if err != nil || len(fields) <= system {
		return 0, false
	}
	u, err := strconv.ParseInt(fields[user], 10, 64)
	s, err2 := strconv.ParseInt(fields[system], 10, 64)
	return (u + s) * tick, err == nil && err2 == nil
}

// Clock is how much processor time a process has used, all its threads together, to the
// nanosecond (clock_getcpuclockid(3)). It asks nothing of /proc; false: there is no such
// process.
func Clock(pid int) (time.Duration, bool) {
	const processClock = 2 // CPUCLOCK_SCHED of linux/posix-timers_types.h
	var ts unix.Timespec
	err := unix.ClockGettime(int32(^pid<<3|processClock), &ts)
	return time.Duration(ts.Nano()), err == nil
}

// Waits reports whether the main thread of a process waits, for something that is no disk
// (state S of proc_pid_stat(5)), and no child: the process has none. alone: it has no other
// thread.
func Waits(pid int) (waits, alone bool) {
	var buf [1024]byte
	data, err := ReadStart(fmt.Sprintf("/proc/%d/stat", pid), buf[:])
	const numThreads = 20 - 3
	fields := statFields(data)
	if err != nil || len(fields) <= numThreads || fields[0] != "S" {
		return false, false
	}
	children, err := Children(pid)
	return err == nil && len(children) == 0, fields[numThreads] == "1"
}
