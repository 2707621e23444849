package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// serviceManager is the service manager's end of the protocol of sd_notify(3).
type (
	serviceManager struct{ fd int }
	managerKey     struct{}
)

// openManager is the command manager: from here on NOTIFY_SOCKET is set.
func openManager(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 0, "manager")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	ts.Check(err)
	ts.Defer(func() { _ = unix.Close(fd) })
	path := ts.MkAbs("manager.sock")
	ts.Check(unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	ts.Value(managerKey{}).(*serviceManager).fd = fd
	ts.Setenv("NOTIFY_SOCKET", path)
}

// notified REGEXP waits for a message to the service manager that has a match,
// and forgets it and all before it.
func notified(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 1, "notified REGEXP")
	want, fd := regexp.MustCompile("(?m)"+args[0]), ts.Value(managerKey{}).(*serviceManager).fd
	var seen strings.Builder
	for until := time.Now().Add(patience); ; {
		if !readable(fd, until) {
			ts.Fatalf("no message has a match for %s; there were:\n%s", args[0], seen.String())
		}
		buf := make([]byte, 8192)
		n, err := unix.Read(fd, buf)
		ts.Check(err)
		if want.Match(buf[:n]) {
			return
		}
		fmt.Fprintf(&seen, "%s\n--\n", buf[:n])
	}
}

// activate NAME=PATH… -- PROGRAM [ARG…] does what a .socket unit does: it
// listens on the paths, and starts the program with the sockets from 3 on. It
// passes signals on, and ends as the program does. In this process those numbers
// are Go's own, for its poller among others, so there is a child to have them,
// and a shell in it that knows the pid.
func activate() {
	runtime.LockOSThread() // Pdeathsig is about the end of this thread
	args, names, files := os.Args[1:], []string{}, []uintptr{0, 1, 2}
	for len(args) > 1 && args[0] != "--" {
		name, path, _ := strings.Cut(args[0], "=")
		fd, err := listenOn(path)
		if err != nil {
			fail(err)
		}
		names, files, args = append(names, name), append(files, uintptr(fd)), args[1:]
	}
	path, err := exec.LookPath(args[1])
	if err != nil {
		fail(err)
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGUSR2)
	env := append(os.Environ(), "LISTEN_FDS="+strconv.Itoa(len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	argv := append([]string{"sh", "-c", `export LISTEN_PID=$$; exec "$@"`, "sh", path}, args[2:]...)
	pid, err := syscall.ForkExec("/bin/sh", argv, &syscall.ProcAttr{
		Env: env, Files: files, Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		fail(err)
	}
	go func() {
		for s := range signals {
			_ = syscall.Kill(pid, s.(syscall.Signal)) // not collected before this process ends
		}
	}()
	var status unix.WaitStatus
	for {
		if _, err = unix.Wait4(pid, &status, 0, nil); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	os.Exit(status.ExitStatus())
}

// listenOn opens a listening socket, with NonBlocking=yes.
func listenOn(path string) (int, error) {
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(s, &unix.SockaddrUnix{Name: path}); err != nil {
		return -1, err
	}
	return s, unix.Listen(s, 16)
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	os.Exit(1)
}
