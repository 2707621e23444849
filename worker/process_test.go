package worker

import (
	"os"
	"syscall"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

// A supervisor has this test binary play the workers.
type supervisor struct{ *testutil.Supervisor }

func supervise(t *testing.T, flags int) supervisor {
	t.Helper()
	return supervisor{testutil.Supervise(t, "", flags)}
}

// start runs this test binary in a role, with the sockets from descriptor 3.
func (s supervisor) start(role string, sockets ...int) *os.Process {
	s.T.Helper()
	if len(sockets) == 0 {
		sockets = []int{s.Socket}
	}
	return s.Spawn("/proc/self/exe", []string{"worker-" + role}, []string{
		"WORKER_TEST_ROLE=" + role,
		"GORACE=atexit_sleep_ms=0", // a worker under -race would leave a second late
	}, sockets...)
}

// nonblocking reports the flag on the shared description.
func (s supervisor) nonblocking() bool {
	s.T.Helper()
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(s.Socket), syscall.F_GETFL, 0)
	if errno != 0 {
		s.T.Fatal(errno)
	}
	return flags&syscall.O_NONBLOCK != 0
}
