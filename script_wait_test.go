package main

import (
	"os"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// waitfor FILE REGEXP waits until the file has a match. inotify(7) tells when
// to look again.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 2, "waitfor FILE REGEXP")
	path, want := ts.MkAbs(args[0]), regexp.MustCompile("(?m)"+args[1])
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	ts.Check(err)
	defer unix.Close(watch)
	_, err = unix.InotifyAddWatch(watch, path, unix.IN_MODIFY)
	ts.Check(err)
	for until := time.Now().Add(patience); ; {
		text, err := os.ReadFile(path)
		ts.Check(err)
		if want.Match(text) {
			return
		}
		if !readable(watch, until) {
			ts.Fatalf("%s has no match for %s:\n%s", args[0], args[1], text)
		}
		_, _ = unix.Read(watch, make([]byte, 4096)) // what it says is of no interest
	}
}

// until REGEXP PROGRAM [ARG…] runs a program again and again, until its standard
// output has a match. A worker that has answered is idle a moment later.
func until(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) >= 2, "until REGEXP PROGRAM [ARG…]")
	want := regexp.MustCompile("(?m)" + args[0])
	for over := time.Now().Add(patience); ; {
		err := ts.Exec(args[1], args[2:]...)
		text := ts.ReadFile("stdout")
		switch {
		case want.MatchString(text):
			return
		case time.Now().After(over):
			ts.Fatalf("%s has no match for %s: %v\n%s", args[1], args[0], err, text)
		}
	}
}

// readable waits until fd can be read; false: not until then.
func readable(fd int, until time.Time) bool {
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(max(0, time.Until(until)).Milliseconds()))
		if err != unix.EINTR {
			return err == nil && n == 1
		}
	}
}

// fifo NAME makes a named pipe, at which a worker can be made to wait.
func fifo(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 1, "fifo NAME")
	ts.Check(unix.Mkfifo(ts.MkAbs(args[0]), 0o600))
}

// release NAME lets go the worker that waits at the named pipe.
func release(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 1, "release NAME")
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	ts.Check(f.Close())
}
