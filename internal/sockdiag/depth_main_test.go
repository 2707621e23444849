package sockdiag_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
)

// The test binary plays an availd that inherits a socket as descriptor 3 and
// says how much waits there.
const roleVariable = "BACKLOG_TEST_ROLE"

type answer struct {
	Depth sockdiag.Depth
	Why   string
	UID   int
}

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "" {
		os.Exit(m.Run())
	}
	r := sockdiag.NewReader()
	d, err := r.Depth(3)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	a := answer{Depth: d, UID: os.Getuid()}
	if r.Unavailable() != nil {
		a.Why = r.Unavailable().Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// elsewhere asks in a process of its own.
func elsewhere(t *testing.T, fd int, attr *syscall.SysProcAttr) (a answer) {
	t.Helper()
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	must(t, err)
	f := os.NewFile(uintptr(dup), "listener")
	defer f.Close()
	cmd := exec.Command("/proc/self/exe") // the build directory may be root's alone
	cmd.Env = []string{roleVariable + "=ask", "GORACE=atexit_sleep_ms=0"}
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{f}
	cmd.SysProcAttr = attr
	out, err := cmd.Output()
	if errors.Is(err, unix.EPERM) {
		t.Skip("this system lets us not do that:", err)
	}
	must(t, err)
	must(t, json.Unmarshal(out, &a))
	return a
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const room = 16

// listening returns a listener with room for so many, and its address.
func listening(t testing.TB, family, kind, protocol int, sa unix.Sockaddr) (int, unix.Sockaddr) {
	t.Helper()
	fd := bound(t, family, kind, protocol, sa)
	must(t, unix.Listen(fd, room))
	sa, err := unix.Getsockname(fd)
	must(t, err)
	return fd, sa
}

func bound(t testing.TB, family, kind, protocol int, sa unix.Sockaddr) int {
	t.Helper()
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, protocol)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.Bind(fd, sa))
	return fd
}

func connect(t testing.TB, family, kind, protocol int, sa unix.Sockaddr) int {
	t.Helper()
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, protocol)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.Connect(fd, sa))
	return fd
}

func path(t testing.TB) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "s")}
}

func abstract(t testing.TB) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: fmt.Sprintf("@backlog-test-%d-%s", os.Getpid(), t.Name())}
}

func newReader(t testing.TB) *sockdiag.Reader {
	r := sockdiag.NewReader()
	t.Cleanup(func() { r.Close() })
	return r
}

// wantDepth asks until the answer is want. A TCP client is connected a
// moment before the server's queue has it.
func wantDepth(t testing.TB, r *sockdiag.Reader, fd int, want sockdiag.Depth) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		got, err := r.Depth(fd)
		must(t, err)
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("depth %+v, want %+v (%v)", got, want, r.Unavailable())
		}
		runtime.Gosched()
	}
}
