package daemon

import (
	"errors"
	"os"
)

// What a unit may take away from availd, and availd cannot be without, is said once at
// the start: later it would show in workers that nobody ends, or that end with availd.

var (
	errNoProc = errors.New("/proc is not mounted here, without which availd cannot tell its workers from other processes: " +
		"remove MountAPIVFS=no or InaccessiblePaths=/proc, or mount it below the root directory")
	errFirstProcess = errors.New("availd is process 1 of a PID namespace, so the kernel would kill all workers when availd dies: " +
		"remove PrivatePIDs=yes")
)

// CheckProc refuses a root directory without /proc (RootDirectory= with MountAPIVFS=no,
// chroot(2)).
func CheckProc() error {
	if _, err := os.Readlink("/proc/self"); err != nil {
		return misconfigured(errNoProc)
	}
	return nil
}

// isFirstProcess reports whether the service manager has given availd a PID namespace
// (PrivatePIDs=, systemd 257). In a container, where there is no service manager to start
// the next availd, INVOCATION_ID is not set (systemd.exec(5)), and availd may be process 1.
func isFirstProcess() bool { return os.Getpid() == 1 && os.Getenv("INVOCATION_ID") != "" }
