package cli

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/internal/testutil"
)

// answering is a service that answers at its control socket below the directory, until stop.
func answering(t *testing.T, dir, name string) (stop func()) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "availd", name), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "availd", name, "control")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	requests := uint64(0)
	server := control.NewServer(control.Service{Status: func(context.Context) (status.Service, error) {
		requests += 10
		n, queue, wait := requests, 2, 1.5
		return status.Service{
			Name: name, Version: "0.1.0", MainPID: 1, StartedAt: time.Now(), Protocol: "notify", Limit: 4, Total: 2, Busy: 1, Idle: 1,
			Sockets:  []status.Socket{{Name: "s", Queue: &queue, Backlog: &queue, OldestWait: &wait}},
			Counters: status.Counters{Requests: &n},
			Workers: []status.Worker{
				{PID: 4711, Generation: 1, State: "busy", Status: "\x1b[2J\u202ebad ä"}, {PID: 4712, Generation: 2, State: "idle"},
			},
		}, nil
	}})
	done := make(chan struct{})
	go func() { defer close(done); server.ServeControl(l) }()
	stop = sync.OnceFunc(func() { _ = l.Close(); <-done })
	t.Cleanup(stop)
	return stop
}

// console is a terminal with a program on it.
type console struct {
	*testing.T
	master *os.File
	slave  *os.File
	before *unix.Termios
	cmd    *exec.Cmd

	mu     sync.Mutex
	screen bytes.Buffer // all that was written to it
	ended  chan error
}

// onConsole runs availd with a terminal of 80 by 24 as its controlling one.
func onConsole(t *testing.T, env []string, args ...string) *console {
	t.Helper()
	c := &console{T: t, ended: make(chan error, 1)}
	fd := newTerminal(t, 80)
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if c.slave, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.slave.Close() })
	if c.before, err = unix.IoctlGetTermios(int(c.slave.Fd()), unix.TCGETS); err != nil {
		t.Fatal(err)
	}
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	c.master = os.NewFile(uintptr(dup), "ptmx")
	program, err := exec.LookPath("availd")
	if err != nil {
		t.Fatal(err)
	}
	c.cmd = exec.Command(program, args...)
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = c.slave, c.slave, c.slave
	c.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := c.master.Read(b)
			if err != nil {
				return
			}
			c.mu.Lock()
			c.screen.Write(b[:n])
			c.mu.Unlock()
		}
	}()
	go func() { c.ended <- c.cmd.Wait() }()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		_ = c.master.Close()
	})
	return c
}

func (c *console) written() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen.String()
}

// forget begins anew: what is waited for is to be written from now on.
func (c *console) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.screen.Reset()
}

// shows waits until all of these were written.
func (c *console) shows(texts ...string) {
	c.Helper()
	testutil.WaitFor(c, func() bool {
		written := c.written()
		for _, text := range texts {
			if !strings.Contains(written, text) {
				return false
			}
		}
		return true
	}, "the terminal to show ", texts, testutil.Later(func() string { return fmt.Sprintf("; it has %q", c.written()) }))
}

func (c *console) types(keys string) {
	c.Helper()
	if _, err := c.master.WriteString(keys); err != nil {
		c.Fatal(err)
	}
}

// ends waits for the end of the program, and sees that the terminal is as it was.
func (c *console) ends(status int) {
	c.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.Fatalf("the program goes on; the terminal has %q", c.written())
	}
	if got := c.cmd.ProcessState.ExitCode(); got != status {
		c.Errorf("status %d, want %d; the terminal has %q", got, status, c.written())
	}
	after, err := unix.IoctlGetTermios(int(c.slave.Fd()), unix.TCGETS)
	if err != nil || !reflect.DeepEqual(after, c.before) {
		c.Errorf("the terminal is %+v, and was %+v (%v)", after, c.before, err)
	}
}

// TestTopEnds: however top ends, the terminal is as it was before.
func TestTopEnds(t *testing.T) {
	dir := t.TempDir()
	answering(t, dir, "web")
	env := []string{"XDG_RUNTIME_DIR=" + dir, "TERM=xterm-256color", "LANG=C.UTF-8"}
	for name, test := range map[string]struct {
		end    func(*console)
		status int
	}{
		"q":      {func(c *console) { c.types("q") }, 0},
		"Ctrl-C": {func(c *console) { c.types("\x03") }, 0},
		"TERM":   {func(c *console) { _ = c.cmd.Process.Signal(unix.SIGTERM) }, 128 + 15},
		"INT":    {func(c *console) { _ = c.cmd.Process.Signal(unix.SIGINT) }, 128 + 2},
		"HUP":    {func(c *console) { _ = c.cmd.Process.Signal(unix.SIGHUP) }, 128 + 1},
		"QUIT":   {func(c *console) { _ = c.cmd.Process.Signal(unix.SIGQUIT) }, 128 + 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := onConsole(t, env, "top", "web")
			c.shows("\x1b[?1049h", "availd top  web", "1.5s")
			test.end(c)
			c.ends(test.status)
			c.shows("\x1b[?25h\x1b[?1049l")
		})
	}
}

// TestTopKeys: what keys do is tested where it is decided; here it is that they arrive.
func TestTopKeys(t *testing.T) {
	dir := t.TempDir()
	stop := answering(t, dir, "web")
	answering(t, dir, "mail")
	c := onConsole(t, []string{"XDG_RUNTIME_DIR=" + dir, "TERM=xterm", "LANG=en_US.UTF-8", "NO_COLOR=1"}, "top")
	c.shows("2 services", "4711", "?[2J?bad ä", "[#=..]")
	if strings.Contains(c.written(), "\x1b[1m") {
		t.Errorf("colours in spite of NO_COLOR: %q", c.written())
	}
	c.forget()
	c.types("\x1b[B") // Down
	c.shows(">")
	c.types("\r")
	c.shows("generation 1")
	c.types("\x1b") // Escape, which nothing follows
	c.shows("4712")
	c.types("h")
	c.shows("any key: back")
	c.types("h")
	c.forget()
	c.types("p")
	c.shows("PAUSED")
	c.types("p")
	c.forget()
	stop()
	c.shows("GONE")
	_ = os.Remove(filepath.Join(dir, "availd", "web", "control"))
	answering(t, dir, "web")
	c.shows("BACK")
	c.forget()
	if err := unix.IoctlSetWinsize(int(c.slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: 40}); err != nil {
		t.Fatal(err)
	}
	c.shows("\x1b[H\x1b[2J", "\x1b[10;1H")
	if strings.Contains(c.written(), "\x1b[11;1H") {
		t.Errorf("more than ten lines: %q", c.written())
	}
	c.forget()
	c.types("\x1a") // there is no shell that would continue it, so it goes on by itself
	c.shows("\x1b[?1049l", "\x1b[?1049h", "2 services")
	c.types("q")
	c.ends(0)
}

// TestTopPlainTerminals: old terminals and serial lines get nothing that they do not know.
func TestTopPlainTerminals(t *testing.T) {
	dir := t.TempDir()
	answering(t, dir, "web")
	for name, barred := range map[string][]string{
		"vt100": {"\x1b[?1049", "\x1b[1m", "\x1b[2m", "\x1b[32m"},
		"dumb":  {"\x1b"},
	} {
		t.Run(name, func(t *testing.T) {
			c := onConsole(t, []string{"XDG_RUNTIME_DIR=" + dir, "TERM=" + name, "LANG=C"}, "top", "web")
			if err := unix.IoctlSetWinsize(int(c.slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{}); err != nil { // a serial line
				t.Fatal(err)
			}
			c.shows("availd top  web", "?[2J?bad ?", "q quit")
			c.types("h")
			c.shows("any key: back")
			c.types("hq")
			c.ends(0)
			for _, b := range barred {
				if strings.Contains(c.written(), b) {
					t.Errorf("%q is written: %q", b, c.written())
				}
			}
			if i := strings.IndexFunc(c.written(), func(r rune) bool { return r > 0x7e }); i >= 0 {
				t.Errorf("no ASCII: %q", c.written()[i:])
			}
		})
	}
}

// TestTopWithoutTerminal: whoever wants text is told where it is.
func TestTopWithoutTerminal(t *testing.T) {
	program, err := exec.LookPath("availd")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "top", "web").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "availd status web") {
		t.Errorf("%v: %s", err, out)
	}
}
