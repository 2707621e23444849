package harness

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a process by its pid, as proc(5) shows it. Its methods return
// zero values when it is gone; whoever keeps one for long compares Started.
type Process struct{ PID int }

// clockTick is the unit of times in /proc/PID/stat: USER_HZ, 100 on every
// platform that Go runs on.
const clockTick = time.Second / 100

func (p Process) path(name string) string { return fmt.Sprintf("/proc/%d/%s", p.PID, name) }

func (p Process) read(name string) string {
	text, _ := os.ReadFile(p.path(name)) // gone is empty
	return string(text)
}

// Args are its command line.
func (p Process) Args() []string { return split0(p.read("cmdline")) }

// Command is its command line in one string, for messages.
func (p Process) Command() string { return strings.Join(p.Args(), " ") }

// Env is the environment it was started with, "NAME=value" each.
func (p Process) Env() []string { return split0(p.read("environ")) }

// Getenv returns one variable of Env.
func (p Process) Getenv(name string) (value string, ok bool) {
	for _, entry := range p.Env() {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// Executed reports whether its arguments and environment are there: for an
// instant inside execve(2) a process has its new program and nothing else.
func (p Process) Executed() bool { return len(p.Env()) > 0 }

// Exe is the path of its program, also when the file has been replaced
// meanwhile; "" for a zombie.
func (p Process) Exe() string {
	name, _ := os.Readlink(p.path("exe"))
	return strings.TrimSuffix(name, " (deleted)")
}

// Descriptors are its open descriptors: the number, and what it is open on
// ("socket:[4711]").
func (p Process) Descriptors() map[int]string {
	open := map[int]string{}
	entries, _ := os.ReadDir(p.path("fd"))
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		target, linkErr := os.Readlink(p.path("fd/" + e.Name()))
		if err == nil && linkErr == nil { // closed between the two reads otherwise
			open[fd] = target
		}
	}
	return open
}

// stat returns the fields of /proc/PID/stat after the name, so that index 0 is
// the manual's field 3; nil when the process is gone.
func (p Process) stat() []string {
	text := p.read("stat")
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // the name may have blanks and parentheses
}

func (p Process) statInt(field int) int64 {
	fields := p.stat()
	if len(fields) <= field-3 {
		return 0
	}
	n, _ := strconv.ParseInt(fields[field-3], 10, 64)
	return n
}

// State is one letter: R, S, D, T (stopped), Z; "" when gone.
func (p Process) State() string {
	if fields := p.stat(); len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// Alive reports whether it runs: neither gone nor a zombie.
func (p Process) Alive() bool { s := p.State(); return s != "" && s != "Z" && s != "X" }

// Parent is its parent's pid.
func (p Process) Parent() int { return int(p.statInt(4)) }

// Group is its process group.
func (p Process) Group() int { return int(p.statInt(5)) }

// Started is when it started, in clock ticks since boot: with the pid it
// identifies the process.
func (p Process) Started() int64 { return p.statInt(22) }

// Catches reports whether it has a handler for the signal.
func (p Process) Catches(signal syscall.Signal) bool {
	for line := range strings.Lines(p.read("status")) {
		if mask, ok := strings.CutPrefix(line, "SigCgt:"); ok {
			caught, _ := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return caught&(1<<(signal-1)) != 0
		}
	}
	return false
}

// Accepting reports whether it waits for a connection in accept(2) of a TCP socket.
func (p Process) Accepting() bool { return p.read("wchan") == "inet_csk_accept" }

// CPU is the processor time it has used itself, in steps of 10 ms.
func (p Process) CPU() time.Duration {
	return time.Duration(p.statInt(14)+p.statInt(15)) * clockTick
}

// Switches counts how often its threads have waited for something: each
// wake-up is one. An idle process does not count on.
func (p Process) Switches() int64 {
	var n int64
	tasks, _ := os.ReadDir(p.path("task"))
	for _, task := range tasks {
		for line := range strings.Lines(p.read("task/" + task.Name() + "/status")) {
			if count, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				switches, _ := strconv.ParseInt(strings.TrimSpace(count), 10, 64)
				n += switches
			}
		}
	}
	return n
}

// Ran is the processor time of all its living threads, in steps of nanoseconds:
// the first field of schedstat, scheduler/sched-stats of the kernel's
// documentation.
func (p Process) Ran() time.Duration {
	var sum time.Duration
	tasks, _ := os.ReadDir(p.path("task"))
	for _, task := range tasks {
		fields := strings.Fields(p.read("task/" + task.Name() + "/schedstat"))
		if len(fields) > 0 {
			ns, _ := strconv.ParseInt(fields[0], 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}

// Children are the processes that it is the parent of.
func (p Process) Children() []Process {
	var all []Process
	tasks, _ := os.ReadDir(p.path("task"))
	for _, task := range tasks {
		for field := range strings.FieldsSeq(p.read("task/" + task.Name() + "/children")) {
			if pid, err := strconv.Atoi(field); err == nil {
				all = append(all, Process{pid})
			}
		}
	}
	return all
}

// PSS is the memory it uses in bytes, shared pages by their share.
func (p Process) PSS() int64 { return p.kilobytes("smaps_rollup", "Pss:") * 1024 }

// OwnPSS is the part of it that is no file's, and that the kernel cannot drop.
func (p Process) OwnPSS() int64 {
	return 1024 * (p.kilobytes("smaps_rollup", "Pss_Anon:") + p.kilobytes("smaps_rollup", "Pss_Shmem:"))
}

// Anon is the memory in bytes that is its own and no file's: RssAnon.
func (p Process) Anon() int64 { return p.kilobytes("status", "RssAnon:") * 1024 }

// kilobytes finds a line "Name: 12 kB" in one of its files.
func (p Process) kilobytes(file, name string) int64 {
	for line := range strings.Lines(p.read(file)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

func split0(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\x00"), "\x00")
}
