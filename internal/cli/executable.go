package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// givenExecutable is the path of this program as it was given to whoever executed it,
// made absolute: an upgrade executes what that path leads to then. /proc/self/exe, which
// [os.Executable] reads, is where the links on the way led at the start, so that an
// upgrade of a release that is switched by moving a link would run the old one again.
//
// execve(2) leaves the path that it was called with (AT_EXECFN of getauxval(3)); a
// service manager that executes a descriptor leaves none, and then argument 0 is tried,
// which anybody may set, so that it has to lead to this program.
func givenExecutable() (string, error) {
	own, err := os.Executable()
	if err != nil {
		return "", err
	}
	if path := executedPath(); path != "" && !isDescriptor(path) {
		if absolute, err := filepath.Abs(path); err == nil { // by PWD, if that is right
			return absolute, nil
		}
	}
	return fromArgument(os.Args[0], own), nil
}

// isDescriptor: the path names an open file of whoever executed it, not a place.
func isDescriptor(path string) bool {
	return strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/")
}

// fromArgument is the path that argument 0 means, or own if that is another program.
func fromArgument(argument, own string) string {
	path := argument
	if !strings.Contains(path, "/") {
		found, err := exec.LookPath(path)
		if err != nil {
			return own
		}
		path = found
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return own
	}
	there, err := os.Stat(absolute)
	self, err2 := os.Stat("/proc/self/exe")
	if err != nil || err2 != nil || !os.SameFile(there, self) {
		return own
	}
	return absolute
}

const atExecFn = 31 // AT_EXECFN of <linux/auxvec.h>

// executedPath is what execve(2) was called with, "" = it cannot be told.
func executedPath() string {
	vector, err := unix.Auxv()
	if err != nil {
		return ""
	}
	for _, pair := range vector {
		if pair[0] == atExecFn && pair[1] != 0 {
			// The kernel has put the string above the stack of the first thread, where
			// it stays.
			return unix.BytePtrToString(*(**byte)(unsafe.Pointer(&pair[1])))
		}
	}
	return ""
}
