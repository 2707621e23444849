// Package spawn is the birth and death of one worker process: its arguments,
// environment, descriptors and process group, its pidfd, the signals it is
// sent, and how it ended.
//
// It is not a pool: which worker starts when, and who has to go, is decided
// elsewhere. It never waits for a worker and keeps no table; a [Process] is a
// value that its holder gives back to Wait when its descriptor is readable. It
// promises no API stability.
//
// Two things can only be done by the process that the worker will be: saying
// its own pid in LISTEN_PID (sd_listen_fds(3)), and giving its thread an empty
// signal mask. So a worker is born by a clone whose child carries out a list of
// system calls that was prepared for it, execve being the last. Where that is
// not possible, availd executes itself, and that image, entered by [Become],
// executes the command. The pid, and so the pidfd, is the same from the first
// instant.
//
// # Diagnostics
//
// Every error goes to the caller and is a [*CommandError] when the command is
// at fault rather than the system. Where availd executes itself first, a command
// that passes the check but cannot be executed after all (a bad interpreter,
// say) ends with status [ExitExec], after a line on standard error.
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
	// Ahead has births after a first good one not wait until the command is
	// executed, for many in a row. If it cannot be executed any more, the worker
	// ends with status [ExitExec].
	Ahead bool
	// Session gives each worker a session of its own, not only a process group. A
	// group with a stopped process whose last tie to its session is cut gets SIGHUP
	// (setpgid(2)): it would end a worker that is stopped when availd dies, as
	// workers are that have to be looked at. Such births wait for the exec.
	Session bool
	// Detour is set by the Start that found out why no worker can be born directly
	// here: from then on all are born by way of another image.
	Detour error

	bore  bool // there was a good birth
	crowd int  // number of its pidfd
	// inherited is Environ without what is left out; nil = not worked out yet.
	inherited []string
}

// Process is a worker that was born here.
type Process struct {
	PID int
	// FD is its pidfd (pidfd_open(2)), close-on-exec, owned by the holder.
	FD int
}

// way is how workers are born.
type way int32

const (
	clearing  way = iota // by clone3(2), whose child is without Go's handlers of signals
	cloning              // by clone(2), whose child takes them off itself
	executing            // by the trampoline
)

// chosen is the first way that was not refused.
var chosen atomic.Int32

func init() { chosen.Store(int32(firstWay)) }

// Start gives birth to one worker. On error nothing was started.
func (c *Command) Start(generation uint64, stress bool, h Handover) (Process, error) {
	for {
		w := way(chosen.Load())
		if w == executing {
			return c.trampoline(generation, stress, h)
		}
		p, err := c.clone(w, generation, stress, h)
		if !errors.Is(err, errCannot) {
			return p, err
		}
		if chosen.CompareAndSwap(int32(w), int32(w+1)) && w+1 == executing {
			c.Detour = err
		}
	}
}

// manyFiles is how many descriptors there are when a copy of the table costs more
// than waiting does. The newest one's number is about that.
const manyFiles = 512

// waits reports whether the next birth has to wait for the exec.
func (c *Command) waits() bool { return !c.Ahead || c.Session || !c.bore || c.crowd > manyFiles }

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
