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
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
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
	// IgnoreSIGPIPE is the disposition that availd itself was started with.
	IgnoreSIGPIPE bool
}

// Process is a worker that was born here.
type Process struct {
	PID int
	// FD is its pidfd (pidfd_open(2)), close-on-exec, owned by the holder.
	FD int
}

// Start gives birth to one worker (Linux 5.4 for the pidfd at clone). On error
// nothing was started.
func (c *Command) Start(generation uint64, stress bool, h Handover) (Process, error) {
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
		Env:   append(c.environ(generation, stress, h), birth{c.IgnoreSIGPIPE, len(h.Files), h.PIDs}.variable()),
		Files: h.files(null),
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

// argv is the argument list of the first image; see become.go.
func (c *Command) argv(stress bool) []string {
	argv := make([]string, 0, 3+len(c.Args))
	argv = append(argv, becomeName, c.Path, c.Path)
	for _, a := range c.Args {
		argv = append(argv, strings.ReplaceAll(a, "{stress}", yes(stress)))
	}
	return argv
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
