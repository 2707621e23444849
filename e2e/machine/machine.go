package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bind shows a host's directory, read-only, at a path of the machine.
type Bind struct{ Host, Guest string }

// Config says what to boot.
type Config struct {
	Name  string // for cgroups and the host name; letters, digits and dashes
	Tree  string // of Cache.Tree; several machines may use one at a time
	Binds []Bind
	// V1 gives the machine the control groups of a hybrid host as they are: its
	// systemd keeps units in the v1 hierarchy name=systemd. The host must have it.
	V1 bool
}

// Machine is a booted tree.
type Machine struct {
	nspawn  *process
	leader  int // its PID 1, as the host counts
	cgroups cgroups
	dir     string // notify socket and console log
	stop    func() error
}

// Boot boots a machine and returns when its systemd has started everything,
// ctx bounding the wait. The caller stops it; on error nothing is left.
func Boot(ctx context.Context, c Config) (*Machine, error) {
	m := &Machine{}
	m.stop = sync.OnceValue(m.halt)
	if err := m.boot(ctx, c); err != nil {
		console := m.Console()
		return nil, errors.Join(fmt.Errorf("boot %s: %w\n%s", c.Name, err, tail(console, 20)), m.Stop())
	}
	return m, nil
}

func (m *Machine) boot(ctx context.Context, c Config) (err error) {
	sweep()
	if m.dir, err = TempDir(); err != nil {
		return err
	}
	if _, err := os.Stat(v1Hierarchy); c.V1 && err != nil {
		return fmt.Errorf("%w: control groups of v1: %w", ErrUnavailable, err)
	}
	if m.cgroups, err = newCgroups(c.Name); err != nil {
		return err
	}
	notices, err := listenNotices(m.dir)
	if err != nil {
		return err
	}
	defer notices.close()
	console, err := os.Create(m.consoleName())
	if err != nil {
		return err
	}
	defer console.Close()
	cmd := nspawnCommand(c, m.cgroups, notices.path)
	cmd.Stdout, cmd.Stderr = console, console
	if m.nspawn, err = start(cmd); err != nil {
		return err
	}
	inner, err := notices.wait(ctx, m.nspawn)
	if err != nil {
		return err
	}
	m.leader, err = leaderPID(m.nspawn.cmd.Process.Pid, inner)
	return err
}

func (m *Machine) consoleName() string { return filepath.Join(m.dir, "console") }

// Leader is the pid of the machine's PID 1 on the host.
func (m *Machine) Leader() int { return m.leader }

// Console returns what the machine has printed on its console.
func (m *Machine) Console() string {
	text, _ := os.ReadFile(m.consoleName()) // none before the boot
	return strings.ReplaceAll(string(text), "\r", "")
}

// State is what systemctl is-system-running says: "running", or "degraded"
// when units failed.
func (m *Machine) State(ctx context.Context) string {
	out, _ := m.Command(ctx, "systemctl", "is-system-running").Output() // degraded is status 1
	return strings.TrimSpace(string(out))
}

// Command prepares a command of the machine, which runs as its root with a
// fresh environment, outside every unit. Its stdin, output and exit status are
// passed through. When ctx ends it is only let go of: it dies with the machine.
func (m *Machine) Command(ctx context.Context, args ...string) *exec.Cmd {
	enter := []string{
		"--all", "--target", fmt.Sprint(m.leader), "--", "env", "-i",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "SYSTEMD_PAGER=cat", "SYSTEMD_COLORS=0",
	}
	cmd := exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the host's half
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// Stop halts the machine, or kills it when it has not halted in 10 s, and
// removes what it left on the host. Later calls return the same.
func (m *Machine) Stop() error { return m.stop() }

func (m *Machine) halt() error {
	if m.nspawn != nil {
		m.end()
	}
	return errors.Join(m.cgroups.remove(), os.RemoveAll(m.dir))
}

// end signals nspawn only, which the kernel has not reaped until done: its pid
// is ours. It turns TERM into the signal that halts a systemd; killed, it takes
// PID 1 and with it every process of the machine along.
func (m *Machine) end() {
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		_ = m.nspawn.cmd.Process.Signal(signal) // an error means that it has ended
		select {
		case <-m.nspawn.done:
			return
		case <-time.After(10 * time.Second):
		}
	}
}
