package activation

import (
	"fmt"
	"os"
	"strconv"
)

const (
	firstFD = 3       // SD_LISTEN_FDS_START, sd_listen_fds(3)
	maxFDs  = 1 << 20 // the kernel's default fs.nr_open: no process has more
)

// table is the environment's account of what was handed over: one name for
// each descriptor from firstFD on.
type table []string

var tableVariables = [...]string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"}

// lookup is os.LookupEnv.
type lookup func(name string) (string, bool)

// readTable reads and checks the variables. No variable at all is not an
// error: ok is false. go-systemd cannot tell that from garbage, which is why
// they are read here first.
func readTable(environment lookup) (t table, complaint string, ok bool, err error) {
	said := false
	for _, name := range tableVariables {
		if _, set := environment(name); set {
			said = true
		}
	}
	if !said {
		return nil, "", false, nil
	}
	if err := checkPID(environment); err != nil {
		return nil, "", false, err
	}
	count, err := number(environment, "LISTEN_FDS", maxFDs)
	if err != nil {
		return nil, "", false, err
	}
	t, complaint = names(environment, count)
	return t, complaint, true, nil
}

// checkPID refuses a table for another process: its descriptors are not
// ours, or went through a process that should have stepped aside.
func checkPID(environment lookup) error {
	pid, err := number(environment, "LISTEN_PID", 1<<22) // PID_MAX_LIMIT, proc_sys_kernel(5)
	if err != nil {
		return err
	}
	if pid == os.Getpid() {
		return nil
	}
	whose := "another process"
	if pid == os.Getppid() {
		whose = "the parent process"
	}
	return &Error{
		What: fmt.Sprintf("LISTEN_PID=%d names %s, not this one (%d), so the sockets are not taken", pid, whose, os.Getpid()),
		Line: "ExecStart=",
		Hint: "start availd directly; a wrapper such as a shell script must end with exec availd …",
	}
}

// number reads a variable that must be a decimal from 1 to max.
func number(environment lookup, name string, max int) (int, error) {
	value, set := environment(name)
	if !set {
		return 0, garbage(name + " is not set, though other LISTEN_ variables are")
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > max || value[0] == '+' {
		return 0, garbage(fmt.Sprintf("%s=%q is not a number from 1 to %d", name, clip(value), max))
	}
	return n, nil
}

func garbage(what string) error {
	return &Error{
		What: what + ", so no socket is taken",
		Hint: "these variables are systemd's to set: look for Environment=, PassEnvironment= or a wrapper that changes them",
	}
}

// forget removes the variables, so that no child believes they are for it.
func forget() {
	for _, name := range tableVariables {
		_ = os.Unsetenv(name) // fails only for an invalid name
	}
}
