// Package spawn is the birth and death of one worker process: its arguments,
// environment, descriptors and process group, its pidfd, the signals it is
// sent, and how it ended.
//
// It is not a pool: which worker starts when, and who has to go, is decided
// elsewhere. It never waits for a worker and keeps no table; a [Process] is a
// value that its holder gives back to Wait when its descriptor is readable. It
// promises no API stability.
//
// A worker is born in two steps. availd executes itself, because two things
// can only be done by the process that the worker will be: saying its own pid
// in LISTEN_PID (sd_listen_fds(3)), and giving its thread an empty signal
// mask. That second image, entered by [Become], then executes the command. The
// pid, and so the pidfd, is the same from the first instant.
//
// # Diagnostics
//
// Every error goes to the caller and is a [*CommandError] when the command is
// at fault rather than the system. A command that passes the check but cannot
// be executed after all (a bad interpreter, say) ends with status [ExitExec],
// after a line on standard error.
package spawn

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/worker"
)

// Command is what every worker of a service has in common.
type Command struct {
	// Path and Args are the program and its arguments without argument 0;
	// every {stress} in Args becomes "yes" or nothing.
	Path string
	Args []string
	// Environ is availd's own environment; what is meant for availd alone is
	// left out for the workers.
	Environ []string
	// Sockets become descriptors 3, 4, … of the worker, under these names
	// (LISTEN_FDNAMES). They stay the caller's.
	Sockets []int
	Names   []string
	// NotifySocket is where the worker reports; "" = nowhere.
	NotifySocket string
	// Watchdog is told to the worker as WATCHDOG_USEC unless 0.
	Watchdog time.Duration
	// IgnoreSIGPIPE is the disposition that availd itself was started with.
	IgnoreSIGPIPE bool
}

// Process is a worker that was born here.
type Process struct {
	PID int
	// FD is its pidfd (pidfd_open(2)), close-on-exec, owned by the holder.
	FD int
}

// Conn is a connection that a worker is born with: its standard input and
// output. FD stays the caller's. Address and Port are the peer's, "" = it has
// none.
type Conn struct {
	FD            int
	Address, Port string
}

// Start gives birth to one worker (Linux 5.4 for the pidfd at clone). With a
// connection it gets that instead of the listening sockets. On error nothing was
// started.
func (c *Command) Start(generation uint64, stress bool, conn *Conn) (Process, error) {
	if err := Check(c.Path); err != nil {
		return Process{}, err
	}
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Process{}, os.NewSyscallError("open "+os.DevNull, err)
	}
	defer func() { _ = unix.Close(null) }()
	pidfd := -1
	attr := &syscall.ProcAttr{
		Env:   c.environ(generation, stress, conn),
		Files: c.files(null, conn),
		Sys:   &syscall.SysProcAttr{Setpgid: true, PidFD: &pidfd},
	}
	pid, err := syscall.ForkExec("/proc/self/exe", c.argv(stress), attr)
	if err != nil {
		return Process{}, os.NewSyscallError("start worker process", err)
	}
	if pidfd < 0 {
		return Process{}, c.withoutPidfd(pid)
	}
	unix.CloseOnExec(pidfd)
	return Process{PID: pid, FD: pidfd}, nil
}

// withoutPidfd ends a child that could not be watched: a worker whose end goes
// unnoticed would hold its slot for ever.
func (c *Command) withoutPidfd(pid int) error {
	_ = unix.Kill(pid, unix.SIGKILL)
	_ = retry(func() error { _, err := unix.Wait4(pid, nil, 0, nil); return err })
	return errors.New("start worker process: the kernel gave no pidfd (Linux 5.4 is needed)")
}

func (c *Command) files(null int, conn *Conn) []uintptr {
	if conn != nil {
		return []uintptr{uintptr(conn.FD), uintptr(conn.FD), 2}
	}
	files := make([]uintptr, 0, 3+len(c.Sockets))
	files = append(files, uintptr(null), 1, 2)
	for _, fd := range c.Sockets {
		files = append(files, uintptr(fd))
	}
	return files
}

// argv is the argument list of the first image; see become.go.
func (c *Command) argv(stress bool) []string {
	argv := make([]string, 0, 3+len(c.Args))
	argv = append(argv, becomeName, c.Path, c.Path)
	for _, a := range c.Args {
		argv = append(argv, strings.ReplaceAll(a, "{stress}", yes(stress)))
	}
	return argv
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// reserved are the variables that were meant for availd: sd_listen_fds(3),
// sd_notify(3), sd_watchdog_enabled(3), and memory pressure (systemd 254). A
// trailing * stands for any ending.
var reserved = []string{
	"AVAILD_*", "LISTEN_*", "NOTIFY_SOCKET", "WATCHDOG_*", "FDSTORE", "MAINPID*", "MEMORY_PRESSURE_*",
}

func isReserved(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	for _, r := range reserved {
		prefix, open := strings.CutSuffix(r, "*")
		if name == prefix || open && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func (c *Command) environ(generation uint64, stress bool, conn *Conn) []string {
	env := make([]string, 0, len(c.Environ)+9)
	for _, v := range c.Environ {
		if !isReserved(v) {
			env = append(env, v)
		}
	}
	env = append(env,
		worker.EnvStress+"="+yes(stress),
		worker.EnvGeneration+"="+strconv.FormatUint(generation, 10))
	if conn != nil {
		return append(conn.environ(env), birth{ignoreSIGPIPE: c.IgnoreSIGPIPE, files: 3}.variable())
	}
	env = append(env,
		"LISTEN_FDS="+strconv.Itoa(len(c.Sockets)),
		"LISTEN_FDNAMES="+strings.Join(c.Names, ":"))
	if c.NotifySocket != "" {
		env = append(env, "NOTIFY_SOCKET="+c.NotifySocket)
	}
	if c.Watchdog > 0 {
		env = append(env, "WATCHDOG_USEC="+strconv.FormatInt(c.Watchdog.Microseconds(), 10))
	}
	return append(env, birth{c.IgnoreSIGPIPE, true, c.Watchdog > 0, 3 + len(c.Sockets)}.variable())
}

// environ adds what systemd tells a service of Accept=yes (systemd.exec(5)),
// and takes out what an earlier one may have been told.
func (c *Conn) environ(env []string) []string {
	env = slices.DeleteFunc(env, func(v string) bool {
		return strings.HasPrefix(v, "REMOTE_ADDR=") || strings.HasPrefix(v, "REMOTE_PORT=")
	})
	if c.Address != "" {
		env = append(env, "REMOTE_ADDR="+c.Address)
	}
	if c.Port != "" {
		env = append(env, "REMOTE_PORT="+c.Port)
	}
	return env
}

// CommandError says that the worker's command is at fault.
type CommandError struct {
	Path string
	Err  error
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("worker command %s: %v", e.Path, e.Err)
}

func (e *CommandError) Unwrap() error { return e.Err }
