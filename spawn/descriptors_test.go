package spawn

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func pipe(t *testing.T) (r, w int) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(p[0]); _ = unix.Close(p[1]) })
	return p[0], p[1]
}

// TestDescriptors: each is where the handover has it, wherever it was before,
// and there are no others.
func TestDescriptors(t *testing.T) { all(t, testDescriptors) }

func testDescriptors(t *testing.T) {
	var low []int // numbers that are also places
	for range 12 {
		r, w := pipe(t)
		low = append(low, r, w)
	}
	high, err := unix.FcntlInt(uintptr(low[0]), unix.F_DUPFD, 100) // one that is not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(high) }()
	backwards := slices.Clone(low)
	slices.Reverse(backwards)
	for name, files := range map[string][]int{
		"nothing":     {Null, 1, 2},
		"sockets":     {Null, 1, 2, low[3], low[0]},
		"a socket":    {low[1], 1, 2},
		"twice":       {low[2], low[2], 2},
		"no output":   {low[1], Null, Null, Null, high},
		"forwards":    append([]int{Null, 1, 2}, low...),
		"backwards":   append(append([]int{2, 1, Null, high}, backwards...), Null, low[5]),
		"three pairs": slices.Concat([]int{1, 2, Null}, low, backwards, low),
	} {
		t.Run(name, func(t *testing.T) { checkDescriptors(t, files) })
	}
	defer func(was func() bool) { hasNullInput = was }(hasNullInput)
	hasNullInput = func() bool { return false }
	t.Run("input opened anew", func(t *testing.T) { checkDescriptors(t, []int{Null, 1, 2, low[3]}) })
}

func checkDescriptors(t *testing.T, files []int) {
	var want []string
	for _, fd := range files {
		target := os.DevNull
		if fd != Null {
			target, _ = os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		}
		want = append(want, target)
	}
	// The shell itself has one more, the pipe of $(…), and for a moment its other
	// end, of which nothing is to be seen any more then.
	out := filepath.Join(t.TempDir(), "out")
	started(t, Command{Environ: os.Environ(), Args: []string{out}}, Handover{Files: files}, `
		said=$(for fd in /proc/$$/fd/*; do echo "${fd##*/} $(readlink "$fd")"; done)
		echo "$said" > "$0"`, 1, false)
	got := map[string]string{}
	for line := range strings.Lines(read(t, out)) {
		fd, target, _ := strings.Cut(strings.TrimSpace(line), " ")
		got[fd] = target
	}
	for i, target := range want {
		if fd := strconv.Itoa(i); got[fd] != target {
			t.Errorf("descriptor %s is %q, want %q", fd, got[fd], target)
		}
		delete(got, strconv.Itoa(i))
	}
	for fd, target := range got {
		if target != "" && (!strings.HasPrefix(target, "pipe:") || fd != strconv.Itoa(len(files))) {
			t.Errorf("descriptor %s is %q, want none", fd, target)
		}
	}
}

// talk starts a shell script on a connection, sends it a line, and
// returns what it answers until its end.
func talk(t *testing.T, script string, args ...string) string {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := Command{Path: "/bin/sh", Args: append([]string{"-c", script, "sh"}, args...), Environ: os.Environ()}
	p, err := c.Start(9, false, Handover{Files: []int{pair[0], pair[0], 2}})
	if err == nil {
		err = executed(t, p)
	}
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
// errors go where availd's go, and there is nothing else.
func TestConnDescriptors(t *testing.T) { all(t, testConnDescriptors) }

func testConnDescriptors(t *testing.T) {
	a, _ := pipe(t)
	foreign, err := unix.FcntlInt(uintptr(a), unix.F_DUPFD, 100) // one that is not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(foreign) }()
	// The shell opens 3 itself, for the directory's list.
	said := talk(t, `read line
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
	talk(t, `read line; ls /proc/$$/fd > "$1"`, list)
	if got := strings.Fields(read(t, list)); !slices.Equal(got, []string{"0", "1", "2"}) && !slices.Equal(got, []string{"0", "1", "10", "2"}) {
		t.Errorf("descriptors %q, want 0, 1 and 2 (and the shell's own 10)", got)
	}
}
