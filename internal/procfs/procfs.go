// Package procfs reads the few facts about a process that availd needs from /proc, and
// finds the control group of the unit that this process runs in, and who else is in it.
// It only reads. A fact that cannot be read is reported as missing, never guessed.
package procfs

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Stat is the part of /proc/PID/stat (proc_pid_stat(5)) that tells processes
// apart.
type Stat struct {
	Parent, Group, Session int
	Start                  uint64 // clock ticks since boot
}

// ReadStat reads the stat of a process; false: there is no such process.
func ReadStat(pid int) (s Stat, ok bool) {
	s, _, ok = ReadStatAnd(pid, 0)
	return s, ok
}

// ReadStatAnd is ReadStat, and tells from the same read whether the process has a handler for
// a signal; false also where that cannot be told.
func ReadStatAnd(pid int, sig unix.Signal) (s Stat, handles, ok bool) {
	var buf [1024]byte // a name has 64 bytes at most, a number 20 digits
	data, err := ReadStart("/proc/"+strconv.Itoa(pid)+"/stat", buf[:])
	if err != nil {
		return s, false, false
	}
	return parseStat(data, sig)
}

// statFields are those behind the name: field 3 is the first. The name is in parentheses
// and may hold anything, so they count from its end.
func statFields(data []byte) []string {
	return strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
}

// parseStat is called for each worker of a pool that is adopted, so it makes no strings.
func parseStat(data []byte, sig unix.Signal) (s Stat, handles, ok bool) {
	n := 3
	for field := range bytes.FieldsSeq(data[bytes.LastIndexByte(data, ')')+1:]) {
		switch n {
		case 4:
			s.Parent, _ = strconv.Atoi(string(field))
		case 5:
			s.Group, _ = strconv.Atoi(string(field))
		case 6:
			s.Session, _ = strconv.Atoi(string(field))
		case 22:
			var err error
			s.Start, err = strconv.ParseUint(string(field), 10, 64)
			ok = err == nil
		case 34: // sigcatch, of which the kernel shows the first 31
			set, _ := strconv.ParseUint(string(field), 10, 64)
			handles = sig > 0 && set>>(sig-1)&1 != 0
		}
		n++
	}
	return s, handles, ok
}

// Ticks is how long a process has run, in clock ticks, and whether it waits for a disk now
// (state D of proc_pid_stat(5)); 0 = it is not there.
func Ticks(pid int) (ticks uint64, waits bool) {
	var buf [1024]byte
	data, err := ReadStart(fmt.Sprintf("/proc/%d/stat", pid), buf[:])
	fields := statFields(data)
	if err != nil || len(fields) < 13 {
		return 0, false
	}
	for _, field := range fields[11:13] { // utime, stime
		n, _ := strconv.ParseUint(field, 10, 64)
		ticks += n
	}
	return ticks, fields[0] == "D"
}

// HasTerminal reports whether a process has a controlling terminal (tty_nr of
// proc_pid_stat(5)).
func HasTerminal(pid int) bool {
	var buf [1024]byte
	data, err := ReadStart(fmt.Sprintf("/proc/%d/stat", pid), buf[:])
	fields := statFields(data)
	return err == nil && len(fields) > 4 && fields[4] != "0"
}

// ReadStart reads what a file begins with, as much as there is room for in buf, in
// three system calls: package os makes ten, as it tries to have Go's poller watch
// the file.
func ReadStart(name string, buf []byte) ([]byte, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	n, err := unix.Read(fd, buf)
	_ = unix.Close(fd)
	return buf[:max(n, 0)], err
}

// PidOf reads the number behind a pidfd from /proc/self/fdinfo (Linux 5.4); -1
// when the process has ended and was collected, or cannot be told, 0 when fd is no
// pidfd.
func PidOf(fd int) int {
	var buf [1024]byte // six lines of a number or two each
	data, err := ReadStart("/proc/self/fdinfo/"+strconv.Itoa(fd), buf[:])
	if err != nil {
		return -1
	}
	return parsePid(data)
}

func parsePid(data []byte) int {
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "Pid:"); ok {
			if pid, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
				return pid
			}
		}
	}
	return 0
}

// Environ looks a variable up in the environment that a process was started
// with. A program that has written over it says nothing.
func Environ(pid int, name string) (string, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return "", false
	}
	for _, v := range strings.Split(string(data), "\x00") {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// Arguments are the words of the command line.
func Arguments(pid int) []string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
}

// Program is the path of the executable, also when the file was replaced
// meanwhile; "" = unknown.
func Program(pid int) string {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(exe, " (deleted)")
}

// CountThreads is how many threads a process has (num_threads of proc_pid_stat(5)); 0 = it
// cannot be told.
func CountThreads(pid int) int {
	var buf [1024]byte
	data, err := ReadStart(fmt.Sprintf("/proc/%d/stat", pid), buf[:])
	if err != nil {
		return 0
	}
	const numThreads = 20 - 3
	fields := statFields(data)
	if len(fields) <= numThreads {
		return 0
	}
	n, _ := strconv.Atoi(fields[numThreads])
	return max(0, n)
}

// Memory is what a process has in its pages, in bytes: Proportional with each page divided by
// the number of processes that have it, Private in pages that nobody else has, Shared in
// the others.
// Anonymous is what of all three belongs to no file, and Swapped what is in swap, of which
// the process has its share.
type Memory struct{ Proportional, Private, Shared, Anonymous, Swapped int64 }

// Anonymous is the memory of a process in bytes that belongs to no file, in pages and in
// swap (RssAnon and VmSwap of proc_pid_status(5)). Pages that it still shares with its parent
// after a fork are counted, too. It is a count of the kernel, which walks nothing for it.
func Anonymous(pid int) (int64, bool) {
	var buf statusBuffer
	s := status(pid, &buf)
	resident, ok := kilobytes(s.value("RssAnon"))
	swapped, _ := kilobytes(s.value("VmSwap"))
	return (resident + swapped) << 10, ok
}

func kilobytes(text string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSuffix(text, " kB"), 10, 64)
	return n, err == nil && n >= 0 && n <= 1<<40
}

// MemoryOf reads it (proc_pid_smaps_rollup(5), Linux 4.14). The kernel walks all pages of the
// process for that, with a lock that the process needs to map memory.
func MemoryOf(pid int) (Memory, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return Memory{}, false
	}
	return parseMemory(data)
}

func parseMemory(data []byte) (m Memory, ok bool) {
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		kilobytes, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil || kilobytes < 0 || kilobytes > 1<<40 {
			continue
		}
		switch words[0] {
		case "Pss:":
			m.Proportional, ok = kilobytes<<10, true
		case "Private_Clean:", "Private_Dirty:":
			m.Private += kilobytes << 10
		case "Anonymous:":
			m.Anonymous += kilobytes << 10
		case "SwapPss:":
			m.Swapped += kilobytes << 10
		case "Shared_Clean:", "Shared_Dirty:":
			m.Shared += kilobytes << 10
		}
	}
	return m, ok
}
