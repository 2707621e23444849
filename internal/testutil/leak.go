// Package testutil is for tests: those that must leave nothing open and nobody behind
// (leak.go), those that need another program or root (need.go), fuzz targets (fuzz.go), and those that run workers
// as availd does (supervisor.go). It is not linked into anything.
package testutil

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Main runs the tests of a package and ends the process. A run that passed, but
// has left a descriptor open or a child uncollected, ends with status 99.
func Main(m *testing.M) {
	before := Files()
	code := m.Run()
	if code == 0 && left(before) {
		code = 99
	}
	os.Exit(code)
}

// left says what there is that was not there before, and reports whether
// anything is.
func left(before []string) (found bool) {
	if after := Files(); !slices.Equal(after, before) {
		fmt.Fprintf(os.Stderr, "descriptors before:\n%s\nafter:\n%s\n", strings.Join(before, "\n"), strings.Join(after, "\n"))
		found = true
	}
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err == nil {
		fmt.Fprintf(os.Stderr, "a child was left behind (wait4 said %d)\n", pid)
		found = true
	}
	return found
}

// Files lists the open descriptors of this process, each with what it is. What
// Go's own poller needs is in every list.
func Files() []string {
	r, w, err := os.Pipe() // starts the poller
	if err != nil {
		panic(err)
	}
	_, _ = r.Close(), w.Close()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	var list []string
	for _, e := range entries {
		// The directory's own is closed by now.
		if what, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			list = append(list, e.Name()+" "+what)
		}
	}
	return list
}
