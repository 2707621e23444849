package spawn

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Null stands for /dev/null in [Handover.Files].
const Null = -1

// Handover is what a protocol gives to one worker. Starts of one service may
// share a value: nothing here is changed or kept.
type Handover struct {
	// Files become the worker's descriptors, from 0 on, and it gets no other.
	// They stay the caller's, and open until the start is over ([Process.Executed]).
	Files []int
	// Env are variables, NAME=value, which take the place of availd's own of
	// that name. NAME alone takes that out.
	Env []string
	// PIDs are the names of variables that say the worker's own pid, in
	// decimal and without leading zeros, or libsystemd takes them for another's
	// (sd_listen_fds(3), sd_watchdog_enabled(3)).
	PIDs []string
}

// files names Null by its descriptor.
func (h Handover) files(null int) []uintptr {
	files := make([]uintptr, len(h.Files))
	for i, fd := range h.Files {
		if fd == Null {
			fd = null
		}
		files[i] = uintptr(fd)
	}
	return files
}

// hasNullInput reports whether this process reads from /dev/null itself, as it does
// under a service manager.
var hasNullInput = sync.OnceValue(func() bool {
	var s unix.Stat_t
	if err := unix.Fstat(0, &s); err != nil || s.Mode&unix.S_IFMT != unix.S_IFCHR || s.Rdev != unix.Mkdev(1, 3) {
		return false
	}
	flags, err := unix.FcntlInt(0, unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE != unix.O_WRONLY
})
