package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// waitfor FILE REGEXP waits until the file has a match.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 2, "waitfor FILE REGEXP")
	want := regexp.MustCompile("(?m)" + args[1])
	awaitFile(ts, args[0], args[1], want.Match)
}

// logged [-count=N] FILE EVENT [KEY=REGEXP…] waits until the file, which availd writes with
// --log-format=json, has N messages of an event with fields whose values match as a whole.
// ! logged says that it has not now.
func logged(ts *testscript.TestScript, neg bool, args []string) {
	count := 1
	if len(args) > 0 && strings.HasPrefix(args[0], "-count=") {
		n, err := strconv.Atoi(strings.TrimPrefix(args[0], "-count="))
		ts.Check(err)
		count, args = n, args[1:]
	}
	usageOf(ts, len(args) >= 2, "logged [-count=N] FILE EVENT [KEY=REGEXP…]")
	want := map[string]*regexp.Regexp{"event": regexp.MustCompile("^" + args[1] + "$")}
	for _, a := range args[2:] {
		key, value, _ := strings.Cut(a, "=")
		want[key] = regexp.MustCompile("^(" + value + ")$")
	}
	has := func(text []byte) bool { return countLogged(text, want) >= count }
	if !neg {
		awaitFile(ts, args[0], strings.Join(args[1:], " "), has)
	} else if text := ts.ReadFile(args[0]); has([]byte(text)) {
		ts.Fatalf("%s has %q:\n%s", args[0], args[1:], text)
	}
}

// countLogged counts the lines that are objects with such fields. Workers write to the
// same file, and not in JSON.
func countLogged(text []byte, want map[string]*regexp.Regexp) (n int) {
	for line := range bytes.Lines(text) {
		var fields map[string]any
		if json.Unmarshal(line, &fields) != nil {
			continue
		}
		all := true
		for key, value := range want {
			got, found := fields[key]
			all = all && found && value.MatchString(fmt.Sprint(got))
		}
		if all {
			n++
		}
	}
	return n
}

// awaitFile waits until a file is as it is wanted. inotify(7) tells when to look again.
func awaitFile(ts *testscript.TestScript, file, what string, wanted func([]byte) bool) {
	path := ts.MkAbs(file)
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	ts.Check(err)
	defer unix.Close(watch)
	_, err = unix.InotifyAddWatch(watch, path, unix.IN_MODIFY)
	ts.Check(err)
	for until := time.Now().Add(patience); ; {
		text, err := os.ReadFile(path)
		ts.Check(err)
		if wanted(text) {
			return
		}
		if !readable(watch, until) {
			ts.Fatalf("%s has no match for %s:\n%s", file, what, text)
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
