// Package procfs reads the few facts about a process that availd needs from
// /proc. A fact that cannot be read is reported as missing, never guessed.
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
	var buf [1024]byte // a name has 64 bytes at most, a number 20 digits
	data, err := ReadStart(fmt.Sprintf("/proc/%d/stat", pid), buf[:])
	if err != nil {
		return s, false
	}
	// The name in parentheses may hold anything, so the fields count from its
	// end: field 3 is the first.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 20 {
		return s, false
	}
	s.Parent, _ = strconv.Atoi(fields[1])
	s.Group, _ = strconv.Atoi(fields[2])
	s.Session, _ = strconv.Atoi(fields[3])
	s.Start, err = strconv.ParseUint(fields[19], 10, 64)
	return s, err == nil
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
	data, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return -1
	}
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

// Catches reports whether a process does something of its own on a signal, or
// ignores it; false: it has the default effect, or cannot be told
// (proc_pid_status(5)).
func Catches(pid int, sig unix.Signal) bool {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(data)) {
		name, mask, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		if name != "SigCgt" && name != "SigIgn" {
			continue
		}
		if set, err := strconv.ParseUint(mask, 16, 64); err == nil && set>>(sig-1)&1 != 0 {
			return true
		}
	}
	return false
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

// Private is the memory in bytes that a process shares with no file: resident
// less shared, of /proc/PID/statm (proc_pid_statm(5)). Pages that it still
// shares with its parent after a fork are counted, too.
func Private(pid int) (int64, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, false
	}
	words := strings.Fields(string(data))
	if len(words) < 3 {
		return 0, false
	}
	resident, err := strconv.ParseInt(words[1], 10, 64)
	shared, err2 := strconv.ParseInt(words[2], 10, 64)
	if err != nil || err2 != nil {
		return 0, false
	}
	return (resident - shared) * int64(os.Getpagesize()), true
}
