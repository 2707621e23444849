// Package need is for tests that ask another program, such as mandoc or
// systemd-analyze. It is not linked into anything.
package need

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Program returns the path of a program. Without it the test is skipped, or fails
// where that is [Required].
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case Required():
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return path
}

// Required reports whether AVAILD_REQUIRE says that nothing may be left out: a
// skip that nobody sees is a green run that tested nothing.
func Required() bool {
	return slices.Contains(strings.Split(os.Getenv("AVAILD_REQUIRE"), ","), "e2e")
}
