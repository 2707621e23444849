package spawn

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// talk gives birth to a shell script on a connection, sends it a line, and
// returns what it answers until its end.
func talk(t *testing.T, c Command, conn Conn, stress bool, script string, args ...string) string {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Path, c.Args, conn.FD = "/bin/sh", append([]string{"-c", script, "sh"}, args...), pair[0]
	p, err := c.Start(9, stress, &conn)
	_ = unix.Close(pair[0])
	defer func() { _ = unix.Close(pair[1]) }()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(pair[1], []byte("hello\n")); err != nil {
		t.Error(err)
	}
	var said strings.Builder
	for buf := make([]byte, 4096); ; {
		n, err := unix.Read(pair[1], buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			break
		}
		said.Write(buf[:n])
	}
	await(t, p)
	return said.String()
}

// TestConnDescriptors: input and output are the connection, which is blocking;
// errors go where availd's go, and there is nothing else, listening sockets of
// the service included.
func TestConnDescriptors(t *testing.T) {
	a, b := pipe(t)
	foreign, err := unix.FcntlInt(uintptr(a), unix.F_DUPFD, 100) // one that is not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(foreign) }()
	c := Command{Sockets: []int{a, b}, Names: []string{"web", "web"}, Environ: os.Environ(), NotifySocket: "@x"}
	// The shell opens 3 itself, for the directory's list.
	said := talk(t, c, Conn{}, false, `read line
		exec 3> "$1"
		readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2
		grep ^flags /proc/$$/fdinfo/0
		ls /proc/$$/fd >&3
		echo "got $line"`, filepath.Join(t.TempDir(), "list"))
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "socket:") || lines[1] != lines[0] || lines[4] != "got hello" {
		t.Fatalf("the worker says %q", lines)
	}
	if own, _ := os.Readlink("/proc/self/fd/2"); lines[2] != own {
		t.Errorf("errors go to %s, want %s", lines[2], own)
	}
	flags, err := strconv.ParseInt(strings.TrimSpace(strings.TrimPrefix(lines[3], "flags:")), 8, 64)
	if err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("%s: want blocking", lines[3])
	}
	list := filepath.Join(t.TempDir(), "list")
	talk(t, c, Conn{}, false, `ls /proc/$$/fd > "$1"`, list)
	if got := strings.Fields(read(t, list)); !slices.Equal(got, []string{"0", "1", "2"}) && !slices.Equal(got, []string{"0", "1", "10", "2"}) {
		t.Errorf("descriptors %q, want 0, 1 and 2 (and the shell's own 10)", got)
	}
}

// TestConnEnvironment: what systemd tells a service of Accept=yes, nothing that
// belongs to other protocols, and no word of an earlier connection.
func TestConnEnvironment(t *testing.T) {
	c := Command{
		Sockets: []int{0}, Names: []string{"web"}, NotifySocket: "@x", Watchdog: 3 * time.Second,
		Environ: []string{
			"PATH=" + os.Getenv("PATH"), "KEPT=1", "LISTEN_FDS=1", "LISTEN_PID=1", "NOTIFY_SOCKET=/pid1",
			"REMOTE_ADDR=earlier", "REMOTE_PORT=1", "WATCHDOG_USEC=1",
		},
	}
	for _, test := range []struct {
		conn   Conn
		stress bool
		want   []string
	}{
		{Conn{Address: "192.0.2.7", Port: "4711"}, true, []string{"AVAILD_GENERATION=9", "AVAILD_STRESS=yes", "KEPT=1", "REMOTE_ADDR=192.0.2.7", "REMOTE_PORT=4711"}},
		{Conn{}, false, []string{"AVAILD_GENERATION=9", "AVAILD_STRESS=", "KEPT=1"}},
	} {
		said := talk(t, c, test.conn, test.stress, `env; echo "arg <$1>"`, "stress={stress}")
		var got []string
		for _, line := range strings.Split(strings.TrimSpace(said), "\n") {
			name, _, _ := strings.Cut(line, "=")
			if !slices.Contains([]string{"PATH", "PWD", "OLDPWD", "SHLVL", "_"}, name) {
				got = append(got, line)
			}
		}
		slices.Sort(got)
		want := append(slices.Clone(test.want), "arg <stress="+yes(test.stress)+">")
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
