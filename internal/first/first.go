// Package first remembers what can only be seen before Go's runtime and its
// libraries have changed it, and what workers are to find as availd found it:
// whether SIGPIPE was ignored, and how many descriptors a process may have.
//
// The disposition of SIGPIPE is seen by the very first instructions, which run
// only in a binary that was linked with this package's entry as its entry point
// (the Makefile does: -ldflags "-E ENTRY"). In any other one the answer is that
// of the usual parent.
//
// The limit is seen by any binary: package syscall raises it when it is
// initialized, and packages are initialized in the order of their import paths
// as soon as what they import has been (The Go Programming Language
// Specification, Program initialization). So this package must not import
// anything. On architectures without its few lines of assembly it knows nothing.
package first

// Entry is the name of the entry point for the linker's -E.
const Entry = "github.com/availd/availd/internal/first.entry"

// action receives the kernel's struct of rt_sigaction(2) for SIGPIPE. It is
// not zero before the call, so that a binary without the entry can be told.
var action = [4]uint64{unseen, 0, 0, 0}

const (
	unseen  = 1<<64 - 1
	ignored = 1 // SIG_IGN
)

// SIGPIPEIgnored reports whether this process was started with SIGPIPE ignored.
// Where nobody looked, a service manager, known by NOTIFY_SOCKET, is taken for
// one that does what it does by default (IgnoreSIGPIPE= of systemd.exec(5)).
func SIGPIPEIgnored(getenv func(string) string) bool {
	if action[0] == unseen {
		return getenv("NOTIFY_SOCKET") != ""
	}
	return action[0] == ignored
}

// Looked reports whether this binary has the entry.
func Looked() bool { return action[0] != unseen }

// limit receives the kernel's struct rlimit64 for RLIMIT_NOFILE: the soft limit
// and the hard one.
var (
	limit     [2]uint64
	limitRead = readLimit()
)

// Descriptors returns the RLIMIT_NOFILE that this process was started with,
// zeros if that is not known.
func Descriptors() (soft, hard uint64) {
	if limitRead != 0 {
		return 0, 0
	}
	return limit[0], limit[1]
}
