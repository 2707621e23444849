package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/testutil"
)

// tmux is a terminal that tells what it shows.
type tmux struct {
	*testing.T
	program, dir string
}

// inTmux runs a shell in a terminal of 80 by 24.
func inTmux(t *testing.T, variables ...string) *tmux {
	t.Helper()
	m := &tmux{t, testutil.Program(t, "tmux"), t.TempDir()}
	script := "cd " + m.dir + "; export PS1='$ ' " + strings.Join(variables, " ") + "; exec bash --norc --noprofile -i"
	m.do("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "sh", "-c", script)
	t.Cleanup(func() { m.do("kill-server") })
	return m
}

func (m *tmux) do(args ...string) string {
	m.Helper()
	cmd := exec.Command(m.program, append([]string{"-u", "-L", "availd"}, args...)...)
	cmd.Env = append(os.Environ(), "TMUX_TMPDIR="+m.dir, "TMUX=", "LANG=C.UTF-8", "TERM=xterm-256color")
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

func (m *tmux) types(keys ...string) {
	m.Helper()
	m.do(append([]string{"send-keys"}, keys...)...)
}

// shows waits until the screen has a match.
func (m *tmux) shows(pattern string) (screen string) {
	m.Helper()
	want := regexp.MustCompile("(?m)" + pattern)
	testutil.WaitFor(m, func() bool {
		screen = m.do("capture-pane", "-p")
		return want.MatchString(screen)
	}, "the screen to match ", pattern, testutil.Later(func() string { return ":\n" + screen }))
	return screen
}

// availdPID is that of the program that runs in the terminal.
func (m *tmux) availdPID() int {
	m.Helper()
	pid := m.do("display-message", "-p", "#{pane_pid}")
	children, err := os.ReadFile(fmt.Sprintf("/proc/%s/task/%s/children", pid, pid))
	if err != nil {
		m.Fatal(err)
	}
	n, err := strconv.Atoi(strings.Fields(string(children))[0])
	if err != nil {
		m.Fatal(err)
	}
	return n
}

// TestTopInTmux: a real terminal shows what is meant, at any size, and what was on it before
// is there again afterwards.
func TestTopInTmux(t *testing.T) {
	dir := t.TempDir()
	answering(t, dir, "web")
	program, err := exec.LookPath("availd")
	if err != nil {
		t.Fatal(err)
	}
	m := inTmux(t, "XDG_RUNTIME_DIR="+dir, "LANG=C.UTF-8", "PATH="+filepath.Dir(program)+":$PATH")
	state := func() string { return m.do("display-message", "-p", "#{alternate_on} #{cursor_flag}") }
	m.shows(`^\$`)
	m.types("stty -a >before; echo was here; availd top", "Enter")
	screen := m.shows(`^q quit  h help  p pause`)
	lines := strings.Split(screen, "\n")
	if len(lines) != 24 || !strings.HasPrefix(lines[0], "availd top  1 service  ") || !strings.HasPrefix(lines[1], "NAME ") ||
		!regexp.MustCompile(`^web +\[#=\.\.\] +1 +1 +4 +2 +1\.5s `).MatchString(lines[2]) {
		t.Errorf("the screen has %d lines:\n%s", len(lines), screen)
	}
	if s := state(); s != "1 0" {
		t.Errorf("alternate screen and cursor: %s", s)
	}
	m.shows(`^web .* 10 +- +- +OVERFLOW$|^web .* \d+ +- +- `) // the rate takes a second sample
	m.do("resize-window", "-x", "40", "-y", "10")
	screen = m.shows(`^q quit  h help  p pause  s sort: for$`)
	lines = strings.Split(screen, "\n")
	for _, line := range lines {
		if prose.Width(line) > 39 || len(lines) != 10 {
			t.Errorf("the screen of 40 by 10 is\n%s", screen)
			break
		}
	}
	m.do("resize-window", "-x", "80", "-y", "24")
	m.shows(`n next service`)

	m.types("C-z")
	m.shows(`Stopped`)
	if s := state(); s != "0 1" {
		t.Errorf("alternate screen and cursor while it is stopped: %s", s)
	}
	m.types("fg", "Enter")
	m.shows(`^q quit`)

	if err := unix.Kill(m.availdPID(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	m.shows(`^\$$`) // what is typed before belongs to the one that ends
	m.types("echo status $?; stty -a >after", "Enter")
	if screen = m.shows(`^status 143$`); !strings.Contains(screen, "was here") || strings.Contains(screen, "q quit") {
		t.Errorf("what was there before is not there again:\n%s", screen)
	}
	if s := state(); s != "0 1" {
		t.Errorf("alternate screen and cursor: %s", s)
	}
	m.types("echo done >>after; cat -A before after", "Enter")
	m.shows(`^done\$$`)
	before, err1 := os.ReadFile(filepath.Join(m.dir, "before"))
	after, err2 := os.ReadFile(filepath.Join(m.dir, "after"))
	if want := string(before) + "done\n"; err1 != nil || err2 != nil || string(after) != want {
		t.Errorf("stty -a says\n%sand said\n%s(%v, %v)", after, want, err1, err2)
	}
}
