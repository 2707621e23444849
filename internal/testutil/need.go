package testutil

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
	if err != nil {
		Missing(t, err)
	}
	return path
}

// Required reports whether AVAILD_REQUIRE says that nothing may be left out: a
// skip that nobody sees is a green run that tested nothing.
func Required() bool {
	return slices.Contains(strings.Split(os.Getenv("AVAILD_REQUIRE"), ","), "e2e")
}

// Root leaves a test out that only the superuser can try, or fails it where that is
// [Required].
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "needs root")
	}
}

// Missing leaves a test out for want of something that this machine does not have, or
// fails it where that is [Required].
func Missing(t testing.TB, what any) {
	t.Helper()
	if Required() {
		t.Fatal(what)
	}
	t.Skip(what)
}
