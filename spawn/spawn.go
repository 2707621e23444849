// Package spawn is the start and end of one worker process: its arguments,
// environment, descriptors and process group, the connection that it is started
// with where each serves one ([Accept]), its pidfd, the signals it is sent, and how
// it ended.
//
// It is not a pool: which worker starts when, and who has to go, is decided
// elsewhere. It never waits for a worker and keeps no table; a [Process] is a
// value that its holder gives back to Wait when its descriptor is readable. It
// promises no API stability.
//
// Two things can only be done by the process that the worker will be: saying
// its own pid in LISTEN_PID (sd_listen_fds(3)), and giving its thread an empty
// signal mask. So a worker is started by a clone whose child carries out a list of
// system calls that was prepared for it, execve being the last. Where that is
// not possible, availd executes itself, and that image, entered by [Become],
// executes the command. The pid, and so the pidfd, is the same from the first
// instant. Nothing here waits for the exec, and nothing looks at the command's file
// but the worker's own process.
//
// # Diagnostics
//
// Every error goes to the caller, of Start or of [Process.Executed], and is a
// [*CommandError] when the command is at fault rather than the system. Where availd
// executes itself first, a command that cannot be executed ends with status
// [ExitExec], after a line on standard error.
package spawn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"

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
	// IgnoreSIGPIPE and Descriptors (RLIMIT_NOFILE) are what availd itself was
	// started with. The zero limit is not known, and stays as it is.
	IgnoreSIGPIPE bool
	Descriptors   unix.Rlimit
	// Session gives each worker a session of its own, not only a process group. A
	// group with a stopped process whose last tie to its session is cut gets SIGHUP
	// (setpgid(2)): it would end a worker that is stopped when availd dies, as
	// workers are that have to be looked at. Where the kernel shares processors between
	// sessions (sched(7), autogroup), each such worker has a share of its own.
	Session bool
	// Detour is set by the Start that found out why no worker can be started directly
	// here: from then on all are started by way of another image.
	Detour error

	// inherited is Environ without what is left out; nil = not worked out yet.
	inherited []string
}

// Process is a worker that was started here.
type Process struct {
	PID int
	// FD is its pidfd (pidfd_open(2)), close-on-exec, owned by the holder.
	FD int
	// Channel is our end of its status channel, where whoever started it has made one, and
	// Given a descriptor that only the worker needs, to be closed when the start is over.
	// Both are the holder's; 0 = there is none.
	Channel, Given int
	// Alone: it is in the process group of others, so that no signal may go to the group.
	Alone bool
	// Start is when it was started, in clock ticks since boot; 0 = not known.
	Start uint64
}

// direct: workers are started by clone(2), until that was refused; else by the
// trampoline.
var direct atomic.Bool

func init() { direct.Store(haveClone) }

// Start starts one worker. On error nothing was started, and a [*CommandError] says
// that the command is at fault. It does not wait until the command is executed, which
// may take as long as whoever serves its file likes: [Process.Executed] tells how
// that went, and until then the files of h have to stay open.
func (c *Command) Start(generation uint64, stress bool, h Handover) (Process, error) {
	if direct.Load() {
		p, err := c.clone(generation, stress, h)
		if !errors.Is(err, errCannot) {
			return p, err
		}
		direct.Store(false)
		c.Detour = err
	}
	return c.trampoline(generation, stress, h)
}

func (c *Command) argv(stress bool) []string {
	argv := make([]string, 0, 1+len(c.Args))
	argv = append(argv, c.Path)
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
	text := fmt.Sprintf("worker command %s: %v", e.Path, e.Err)
	if errors.Is(e.Err, fs.ErrPermission) { // whoever reads this is seldom that one
		text += fmt.Sprintf(" for user %d", os.Geteuid())
	}
	return text
}

func (e *CommandError) Unwrap() error { return e.Err }
