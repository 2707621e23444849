package procfs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Call is the system call in which a thread waits, with its arguments.
type Call struct {
	Number uint64
	Args   [6]uint64
}

// CallOf reads the call in which a thread waits; false: it runs, or waits outside of a
// call, as for a page. That takes the access mode PTRACE_MODE_ATTACH_FSCREDS of ptrace(2):
// the same user, or root; Yama lets a parent look at its children.
func CallOf(pid, thread int) (c Call, waits bool, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/syscall", pid, thread))
	if err != nil {
		return c, false, err
	}
	c, waits = ParseCall(string(text))
	return c, waits, nil
}

// ParseCall reads what proc_pid_syscall(5) says of a thread: the number, six arguments,
// the stack pointer and the program counter; "running", or -1 outside of a call.
func ParseCall(text string) (c Call, waits bool) {
	words := strings.Fields(text)
	if len(words) != 9 {
		return Call{}, false
	}
	var err error
	if c.Number, err = strconv.ParseUint(words[0], 10, 32); err != nil {
		return Call{}, false
	}
	for i := range c.Args {
		if c.Args[i], err = strconv.ParseUint(words[1+i], 0, 64); err != nil {
			return Call{}, false
		}
	}
	return c, true
}

// ReadMemory copies from the memory of a process, as much as into has room for, and reports
// whether it could. It takes the same access mode as CallOf. A call whose arguments are
// read so may be over on return, and the memory something else.
func ReadMemory(pid int, address uint64, into []byte) bool {
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	n, err := f.ReadAt(into, int64(address))
	return err == nil && n == len(into)
}
