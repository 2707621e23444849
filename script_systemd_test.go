package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// manager is the service manager's end of the protocol of sd_notify(3).
type (
	manager    struct{ fd int }
	managerKey struct{}
)

// openManager is the command manager: from here on NOTIFY_SOCKET is set.
func openManager(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 0, "manager")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	ts.Check(err)
	ts.Defer(func() { _ = unix.Close(fd) })
	path := ts.MkAbs("manager.sock")
	ts.Check(unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	ts.Value(managerKey{}).(*manager).fd = fd
	ts.Setenv("NOTIFY_SOCKET", path)
}

// notified REGEXP waits for a message to the service manager that has a match,
// and forgets it and all before it.
func notified(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 1, "notified REGEXP")
	want, fd := regexp.MustCompile("(?m)"+args[0]), ts.Value(managerKey{}).(*manager).fd
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
// listens on the paths, and executes the program in this same process, so that
// LISTEN_PID is true.
func activate() {
	args, names := os.Args[1:], []string{}
	for len(args) > 1 && args[0] != "--" {
		name, path, _ := strings.Cut(args[0], "=")
		if err := listenAt(3+len(names), path); err != nil {
			fail(err)
		}
		names, args = append(names, name), args[1:]
	}
	path, err := exec.LookPath(args[1])
	if err != nil {
		fail(err)
	}
	env := append(os.Environ(), "LISTEN_PID="+strconv.Itoa(os.Getpid()),
		"LISTEN_FDS="+strconv.Itoa(len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	fail(syscall.Exec(path, args[1:], env))
}

// listenAt opens a listening socket as the descriptor fd, with NonBlocking=yes.
func listenAt(fd int, path string) error {
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	if s != fd {
		if err := unix.Dup3(s, fd, 0); err != nil {
			return err
		}
		_ = unix.Close(s)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	return unix.Listen(fd, 16)
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	os.Exit(1)
}
