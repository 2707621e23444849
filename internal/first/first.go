// Package first remembers what only the very first instructions of a process
// can see: whether it was started with SIGPIPE ignored. Go's runtime replaces
// that disposition before any Go code runs, and a program that is executed
// later inherits the replacement's default.
//
// The instructions run only in a binary that was linked with this package's
// entry as its entry point (the Makefile does: -ldflags "-E ENTRY"). In any
// other one the answer is that of the usual parent.
package first

import "os"

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
// Where nobody looked, a service manager is taken for one that does what it
// does by default (IgnoreSIGPIPE= of systemd.exec(5)).
func SIGPIPEIgnored() bool {
	if action[0] == unseen {
		return os.Getenv("NOTIFY_SOCKET") != ""
	}
	return action[0] == ignored
}

// Looked reports whether this binary has the entry.
func Looked() bool { return action[0] != unseen }
