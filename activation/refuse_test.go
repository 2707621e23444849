package activation_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// refused checks that the child got an error with all the words, and that it
// has nothing left of what it was given.
func refused(t *testing.T, o outcome, line string, words ...string) {
	t.Helper()
	if o.Activated || o.Problem == nil || len(all(o.Set)) != 0 {
		t.Fatalf("not refused as the operator's error: %+v", o)
	}
	if o.Problem.Line != line || o.Problem.Hint == "" {
		t.Errorf("line %q, hint %q; want line %q and a hint", o.Problem.Line, o.Problem.Hint, line)
	}
	for _, word := range append(words, line) {
		if !strings.Contains(o.Error, word) {
			t.Errorf("error %q does not say %q", o.Error, word)
		}
	}
	if len(o.Left) != 0 {
		t.Errorf("left in the environment: %q", o.Left)
	}
}

func closedAll(t *testing.T, o outcome) {
	t.Helper()
	if len(o.Open) != 0 {
		t.Errorf("still open: %q", o.Open)
	}
}

func TestRefusedDescriptors(t *testing.T) {
	good := tcp4(t, 127, 0, 0, 1)
	path, sa := unixPath(t, "s")
	for _, test := range []struct {
		name string
		fd   int
		line string
		word string
	}{
		{"connection", connection(t), "Accept=yes", "is a connection"},
		{"bound only", bound(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{}), "Accept=yes", "does not listen"},
		{"bound unix", bound(t, unix.AF_UNIX, unix.SOCK_SEQPACKET, sa), "Accept=yes", "does not listen"},
		{"netlink", netlink(t), "ListenNetlink=", "netlink"},
		{"message queue", messageQueue(t), "ListenMessageQueue=", "message queue"},
		{"device", open(t, "/dev/null", unix.O_RDWR), "ListenSpecial=", "device"},
		{"proc file", open(t, "/proc/self/mounts", unix.O_RDONLY), "ListenSpecial=", "special file"},
		{"regular file", regularFile(t), "OpenFile=", "regular file"},
		{"directory", open(t, "/", unix.O_RDONLY|unix.O_DIRECTORY), "", "neither"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.fd < 0 {
				t.Skip("this kernel has none")
			}
			o := activate(t, []int{good, test.fd, good}, table("first", "bad-one", "last")...)
			refused(t, o, test.line, "bad-one", test.word)
			closedAll(t, o)
		})
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the path of an inherited socket was touched: %v", err)
	}
}

func TestRefusedOwnSocketOfOtherKind(t *testing.T) {
	_, sa := unixPath(t, "s")
	fd := listening(t, unix.AF_UNIX, unix.SOCK_SEQPACKET, sa)
	for _, name := range []string{"control", "status", "agent"} {
		o := activate(t, []int{fd}, table(name)...)
		refused(t, o, "FileDescriptorName="+name, "seqpacket", "ListenStream=")
		closedAll(t, o)
	}
}

// The number past the passed ones is free in the child, or one the runtime
// took for itself meanwhile: neither may be used, nor the latter closed.
func TestRefusedClosedDescriptor(t *testing.T) {
	good := tcp4(t, 127, 0, 0, 1)
	for missing := 1; missing <= 4; missing++ {
		names := append([]string{"web"}, strings.Split(strings.Repeat("x", missing), "")...)
		o := activate(t, []int{good}, table(names...)...)
		refused(t, o, "", "is closed", "LISTEN_FDS")
		closedAll(t, o)
	}
	o := activate(t, nil, table("web")...)
	refused(t, o, "", "descriptor 3", "is closed")
}

func TestRefusedTables(t *testing.T) {
	good := tcp4(t, 127, 0, 0, 1)
	pid, fds, names := "LISTEN_PID=self", "LISTEN_FDS=1", "LISTEN_FDNAMES=web"
	for _, test := range []struct {
		env  []string
		word string
	}{
		{[]string{fds, names}, "LISTEN_PID is not set"},
		{[]string{pid, names}, "LISTEN_FDS is not set"},
		{[]string{names}, "LISTEN_PID is not set"},
		{[]string{"LISTEN_PIDFDID=5"}, "LISTEN_PID is not set"},
		{[]string{"LISTEN_PID=", fds, names}, `LISTEN_PID=""`},
		{[]string{"LISTEN_PID=abc", fds, names}, `LISTEN_PID="abc"`},
		{[]string{"LISTEN_PID=-1", fds, names}, `LISTEN_PID="-1"`},
		{[]string{pid, "LISTEN_FDS=", names}, `LISTEN_FDS=""`},
		{[]string{pid, "LISTEN_FDS=0", names}, `LISTEN_FDS="0"`},
		{[]string{pid, "LISTEN_FDS=+1", names}, `LISTEN_FDS="+1"`},
		{[]string{pid, "LISTEN_FDS=1 ", names}, `LISTEN_FDS="1 "`},
		{[]string{pid, "LISTEN_FDS=99999999999999999999", names}, "LISTEN_FDS"},
		{[]string{pid, "LISTEN_FDS=2147483647", names}, "LISTEN_FDS"},
	} {
		t.Run(fmt.Sprint(test.env), func(t *testing.T) {
			refused(t, activate(t, []int{good}, test.env...), "", test.word)
		})
	}
}

func TestRefusedOtherPID(t *testing.T) {
	good := tcp4(t, 127, 0, 0, 1)
	for pid, whose := range map[int]string{1: "another process", os.Getpid(): "the parent process"} {
		o := activate(t, []int{good}, fmt.Sprintf("LISTEN_PID=%d", pid), "LISTEN_FDS=1", "LISTEN_FDNAMES=web")
		refused(t, o, "ExecStart=", whose, "exec availd")
		if len(o.Open) != 1 {
			t.Errorf("open: %q; another process' table is no leave to close", o.Open)
		}
	}
}

func TestErrorsAreWhole(t *testing.T) {
	o := activate(t, []int{connection(t)}, table("web")...)
	want := `socket "web" is a connection, not a listening socket, so there is nothing to keep workers behind (Accept=yes); ` +
		`set Accept=no in the socket unit; for programs that expect a connection use --protocol=inetd with it`
	if o.Error != want {
		t.Error(errors.New(o.Error))
	}
}
