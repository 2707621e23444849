package spawn

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// started starts a shell script as a worker and returns how it ended.
func started(t *testing.T, c Command, h Handover, script string, generation uint64, stress bool) policy.End {
	t.Helper()
	c.Path, c.Args = "/bin/sh", append([]string{"-c", script}, c.Args...)
	p, err := c.Start(generation, stress, h)
	if err != nil {
		t.Fatal(err)
	}
	return await(t, p)
}

func await(t *testing.T, p Process) policy.End {
	t.Helper()
	defer func() { _ = p.Close() }()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}}, 20_000)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}}, 20_000)
	}
	if n != 1 {
		_ = p.SignalGroup(unix.SIGKILL)
		t.Fatalf("worker %d did not end: %v", p.PID, err)
	}
	end, ended, err := p.Wait()
	if err != nil || !ended {
		t.Fatalf("wait: %v %v", ended, err)
	}
	return end
}

// read returns what a worker wrote into a file.
func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEnvironment(t *testing.T) { all(t, testEnvironment) }

func testEnvironment(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	c := Command{
		Environ: []string{
			"PATH=" + os.Getenv("PATH"), "KEPT=1", "AVAILD_X=1", "LISTEN_PID=1", "LISTEN_PIDFDID=2", "NOTIFY_SOCKET=/pid1",
			"WATCHDOG_USEC=1", "WATCHDOG_PID=1", "FDSTORE=4", "MAINPID=1", "MAINPIDFDID=1", "MEMORY_PRESSURE_WATCH=/x",
			"RUNTIME_DIRECTORY=/run/x", "FDSTORES=kept", "LISTEN_ADDR=kept", "LISTEN_PORT=kept", "WATCHDOG_DIR=kept", "MAINPIDS=kept",
			"MEMORY_PRESSURE_LIMIT=kept", "NOTIFY_SOCKETS=kept", "AVAILDX=kept", "REMOTE_ADDR=earlier", "REMOTE_PORT=1", "REMOTE_PORTS=kept",
		},
	}
	h := Handover{
		Files: standard.Files,
		Env:   []string{"LISTEN_FDS=2", "NOTIFY_SOCKET=@x", "REMOTE_ADDR=192.0.2.7", "REMOTE_PORT"},
		PIDs:  []string{"LISTEN_PID", "WATCHDOG_PID"},
	}
	started(t, c, h, `{ echo pid=$$; env; } > `+out, 42, true)
	lines := strings.Split(strings.TrimSpace(read(t, out)), "\n")
	pid := strings.TrimPrefix(lines[0], "pid=")
	var got []string
	for _, l := range lines[1:] {
		name, _, _ := strings.Cut(l, "=")
		if !slices.Contains([]string{"PATH", "PWD", "OLDPWD", "SHLVL", "_"}, name) {
			got = append(got, l)
		}
	}
	slices.Sort(got)
	want := []string{
		"AVAILDX=kept", "AVAILD_GENERATION=42", "AVAILD_STRESS=yes", "FDSTORES=kept", "KEPT=1", "LISTEN_ADDR=kept", "LISTEN_FDS=2",
		"LISTEN_PID=" + pid, "LISTEN_PORT=kept", "MAINPIDS=kept", "MEMORY_PRESSURE_LIMIT=kept", "NOTIFY_SOCKET=@x", "NOTIFY_SOCKETS=kept",
		"REMOTE_ADDR=192.0.2.7", "REMOTE_PORTS=kept", "RUNTIME_DIRECTORY=/run/x", "WATCHDOG_DIR=kept", "WATCHDOG_PID=" + pid,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestArguments(t *testing.T) { all(t, testArguments) }

func testArguments(t *testing.T) {
	for _, c := range []struct {
		stress bool
		want   string
	}{{true, "/bin/sh|a b|-o|stress=yes|yesyes|"}, {false, "/bin/sh|a b|-o|stress=||"}} {
		out := filepath.Join(t.TempDir(), "out")
		cmd := Command{Args: []string{"/bin/sh", "a b", "-o", "stress={stress}", "{stress}{stress}"}, Environ: os.Environ()}
		started(t, cmd, standard, `printf '%s|' "$0" "$@" > `+out, 1, c.stress)
		if got := read(t, out); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestEnds(t *testing.T) { all(t, testEnds) }

func testEnds(t *testing.T) {
	for _, c := range []struct {
		script string
		want   policy.End
	}{
		{"exit 0", policy.End{}}, {"exit 3", policy.End{Code: 3}}, {"kill -SEGV $$", policy.End{Signal: int(unix.SIGSEGV)}},
	} {
		if got := started(t, Command{Environ: os.Environ()}, standard, c.script, 1, false); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.script, got, c.want)
		}
	}
}

// TestExactPid: another child's status is not taken.
func TestExactPid(t *testing.T) { all(t, testExactPid) }

func testExactPid(t *testing.T) {
	other := exec.Command("/bin/sh", "-c", "exit 5")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	started(t, Command{Environ: os.Environ()}, standard, "exit 0", 1, false)
	var exit *exec.ExitError
	if err := other.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 5 {
		t.Errorf("the other child's status is lost: %v", err)
	}
}

func TestNotYet(t *testing.T) { all(t, testNotYet) }

func testNotYet(t *testing.T) {
	c := Command{Path: "/bin/sleep", Args: []string{"60"}, Environ: os.Environ()}
	p, err := c.Start(1, false, standard)
	if err != nil {
		t.Fatal(err)
	}
	if _, ended, err := p.Wait(); ended || err != nil {
		t.Errorf("it lives, but Wait says %v %v", ended, err)
	}
	if err := p.SignalGroup(unix.SIGKILL); err != nil {
		t.Error(err)
	}
	if end := await(t, p); end.Signal != int(unix.SIGKILL) {
		t.Errorf("ended with %+v", end)
	}
}

// TestGroup: killing takes the worker's own children along.
func TestGroup(t *testing.T) { all(t, testGroup) }

func testGroup(t *testing.T) {
	r, w := pipe(t)
	c := Command{Path: "/bin/sh", Args: []string{"-c", "sleep 60 & echo up >&3; wait"}, Environ: os.Environ()}
	p, err := c.Start(1, false, Handover{Files: []int{Null, 1, 2, w}})
	if err != nil {
		t.Fatal(err)
	}
	if err := executed(t, p); err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(w)
	buf := make([]byte, 3)
	if _, err := unix.Read(r, buf); err != nil || !bytes.Equal(buf, []byte("up\n")) {
		t.Fatalf("%q %v", buf, err)
	}
	if err := p.SignalGroup(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, p)
	// sleep holds the other end: end-of-file means that it is gone too.
	if n, err := unix.Read(r, buf); n != 0 || err != nil {
		t.Errorf("read %d %v, want end-of-file", n, err)
	}
}

func TestBadCommands(t *testing.T) { all(t, testBadCommands) }

func testBadCommands(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want error
	}{
		{filepath.Join(dir, "missing"), os.ErrNotExist},
		{plain, os.ErrPermission},
		{dir, unix.EISDIR},
		{plain + "/x", unix.ENOTDIR},
	} {
		p, err := (&Command{Path: c.path}).Start(1, false, standard)
		if err != nil {
			t.Fatal(err)
		}
		err = executed(t, p)
		if end := await(t, p); end.Code != ExitExec {
			t.Errorf("%s: ended with %+v, want status %d", c.path, end, ExitExec)
		}
		if !direct.Load() {
			continue // the other image has said why
		}
		var command *CommandError
		if !errors.As(err, &command) || !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.path, err, c.want)
		}
	}
	if err, want := check(plain), fmt.Sprintf("worker command %s: permission denied for user %d", plain, os.Geteuid()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := os.Chmod(plain, 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := (&Command{Path: plain}).Start(1, false, standard)
	if err != nil {
		t.Fatalf("fixed, but %v", err)
	}
	await(t, p)
}

func TestUnexecutable(t *testing.T) { all(t, testUnexecutable) }

func testUnexecutable(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := (&Command{Path: bad, Environ: os.Environ()}).Start(1, false, standard)
	if err != nil {
		t.Fatal(err)
	}
	if direct.Load() {
		err = executed(t, p)
		var command *CommandError
		if !errors.As(err, &command) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "interpreter") {
			t.Errorf("got %v, want that the interpreter is missing", err)
		}
	}
	if end := await(t, p); end.Code != ExitExec {
		t.Errorf("ended with %+v, want status %d", end, ExitExec)
	}
}

func TestFind(t *testing.T) {
	if path, err := Find("sh"); err != nil || !filepath.IsAbs(path) {
		t.Errorf("sh: %s %v", path, err)
	}
	for _, bad := range []string{"no-such-command", "/no/such/command", "./no-such"} {
		var command *CommandError
		if _, err := Find(bad); !errors.As(err, &command) || strings.Contains(err.Error(), "exec:") || strings.Contains(err.Error(), "stat ") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
