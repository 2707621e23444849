package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

const unitDir = "/run/systemd/system"

// Unit is a pair NAME.socket and NAME.service under test.
type Unit struct {
	Name string
	t    testing.TB
}

// Install writes the pair, loads it and starts the socket.
func Install(t testing.TB, name, socket, service string) *Unit {
	t.Helper()
	u := &Unit{Name: name, t: t}
	t.Cleanup(u.remove)
	u.write(u.Socket(), socket)
	u.write(u.Service(), service)
	Systemctl(t, "daemon-reload")
	Systemctl(t, "start", u.Socket())
	return u
}

// Socket is the socket unit's name.
func (u *Unit) Socket() string { return u.Name + ".socket" }

// Service is the service unit's name.
func (u *Unit) Service() string { return u.Name + ".service" }

// Rewrite replaces the text of the service unit, as an edit and a daemon-reload do.
func (u *Unit) Rewrite(service string) {
	u.t.Helper()
	u.write(u.Service(), service)
	Systemctl(u.t, "daemon-reload")
}

func (u *Unit) write(unit, text string) {
	u.t.Helper()
	if err := os.WriteFile(filepath.Join(unitDir, unit), []byte(text), 0o644); err != nil {
		u.t.Fatal(err)
	}
}

// Start starts the service, without a connection.
func (u *Unit) Start() { u.t.Helper(); Systemctl(u.t, "start", u.Service()) }

// Stop stops the service and leaves the socket.
func (u *Unit) Stop() { u.t.Helper(); Systemctl(u.t, "stop", u.Service()) }

// Restart restarts the service.
func (u *Unit) Restart() { u.t.Helper(); Systemctl(u.t, "restart", u.Service()) }

// Reload reloads the service; it returns when its ExecReload= has.
func (u *Unit) Reload() { u.t.Helper(); Systemctl(u.t, "reload", u.Service()) }

// Show returns a property of the service.
func (u *Unit) Show(property string) string { u.t.Helper(); return Show(u.t, u.Service(), property) }

// ShowInt returns a property of the service that is a number.
func (u *Unit) ShowInt(property string) int {
	u.t.Helper()
	n, err := strconv.Atoi(u.Show(property))
	if err != nil {
		u.t.Fatalf("%s of %s: %v", property, u.Service(), err)
	}
	return n
}

// Status is the service's STATUS= of sd_notify(3).
func (u *Unit) Status() string { u.t.Helper(); return u.Show("StatusText") }

// Main is the service's main process; its PID is 0 when there is none.
func (u *Unit) Main() Process { u.t.Helper(); return Process{u.ShowInt("MainPID")} }

// Signal sends a signal to the main process, and ends the test without one.
func (u *Unit) Signal(signal unix.Signal) {
	u.t.Helper()
	main := u.Main()
	if main.PID <= 1 { // kill(2) would take 0 for our own group
		u.t.Fatalf("%s has no main process to send %v to", u.Service(), signal)
	}
	if err := unix.Kill(main.PID, signal); err != nil {
		u.t.Fatalf("send %v to pid %d: %v", signal, main.PID, err)
	}
}

// Journal returns the service's journal.
func (u *Unit) Journal() string { return Journal(u.Service()) }

// remove stops the pair and leaves the machine as it was. A process that
// survives the stop fails the test: it would hold the port.
func (u *Unit) remove() {
	// The socket first, or a waiting connection starts the service again.
	_, err := Run("systemctl", "stop", u.Socket(), u.Service())
	if err != nil {
		u.t.Errorf("clean up: %v", err)
	}
	for _, p := range u.Processes() {
		u.t.Errorf("%s is stopped, but left pid %d: %s", u.Name, p.PID, p.Command())
		_ = unix.Kill(p.PID, unix.SIGKILL)
	}
	if u.t.Failed() {
		u.t.Logf("journal of %s:\n%s\n%s", u.Name, Journal(u.Socket()), u.Journal())
	}
	for _, unit := range []string{u.Socket(), u.Service()} {
		if err := os.Remove(filepath.Join(unitDir, unit)); err != nil {
			u.t.Errorf("clean up: %v", err)
		}
		_, _ = Run("systemctl", "reset-failed", unit) // an error: it has not failed
	}
	if _, err := Run("systemctl", "daemon-reload"); err != nil {
		u.t.Errorf("clean up: %v", err)
	}
}

// String is the pair's name and the states of both units, for messages.
func (u *Unit) String() string {
	return fmt.Sprintf("%s (socket %s, service %s/%s)", u.Name,
		Show(u.t, u.Socket(), "ActiveState"), u.Show("ActiveState"), u.Show("SubState"))
}
