//go:build e2e

package guest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// own puts the unit of a socket of availd itself beside the pair, as availd units
// has written it. It comes and goes with the pair's socket.
func own(kind string) func(*service) {
	return func(s *service) {
		s.t.Helper()
		unit := filepath.Base(s.dir) + "-" + kind + ".socket"
		path := filepath.Join("/run/systemd/system", unit)
		if err := os.WriteFile(path, []byte(read(s.t, filepath.Join(s.dir, unit))), 0o644); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { os.Remove(path) })
	}
}

// daemon runs a program in the foreground until the test ends, and shows what it
// said if that failed.
func daemon(t *testing.T, command ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var said strings.Builder
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("%s said:\n%s", command[0], said.String())
		}
	})
}

// TestOwnSockets: systemd hands the sockets of availd itself over with those of
// the workers, whichever comes first, and an upgraded or restarted availd has
// them too.
func TestOwnSockets(t *testing.T) {
	t.Parallel()
	monitoring, agent := harness.Addr(harness.Port()), harness.Addr(harness.Port())
	s := pool{
		name: "own", options: []string{"--limit=4", "--status-listen=" + monitoring, "--agent-listen=" + agent},
		service: []string{"Restart=always"},
	}.install(t, own("status"), own("agent"))
	look := func(when string) {
		t.Helper()
		if text := harness.MustRun(t, "curl", "-sS", "http://"+monitoring+"/metrics"); !strings.Contains(text, "\navaild_workers_limit{service=\"own\"} 4\n") {
			t.Errorf("%s /metrics has no limit:\n%s", when, text)
		}
		if line := harness.MustRun(t, "curl", "-sS", "telnet://"+agent); !strings.HasPrefix(line, "ready up ") {
			t.Errorf("%s the agent says %q", when, line)
		}
		if got := s.get("/"); got.FDs != "1" {
			t.Errorf("%s a worker has LISTEN_FDS=%s, LISTEN_FDNAMES=%s", when, got.FDs, got.Names)
		}
	}
	look("started by a scrape,")
	harness.MustRun(t, harness.Availd, "upgrade", "own")
	look("after an upgrade")
	was := s.Main()
	s.Signal(9)
	harness.WaitFor(t, "the next availd", harness.Patience, func() bool { main := s.Main(); return main.PID > 1 && main != was })
	look("after a crash")
	sockets := s.state().Sockets
	if len(sockets) != 1 || sockets[0].Name != "own.socket" {
		t.Errorf("sockets of the workers: %+v", sockets)
	}
	harness.Systemctl(t, "stop", s.Socket())
	for _, unit := range []string{s.Service(), "own-status.socket", "own-agent.socket"} { // systemctl waits for the one it was asked for
		harness.WaitFor(t, "the end of "+unit+" with the socket", harness.Patience, seldom(func() bool {
			return harness.Show(t, unit, "ActiveState") == "inactive"
		}))
	}
}

// TestScrapeIsNoWork: an idle service leaves, though it is looked at all the time.
func TestScrapeIsNoWork(t *testing.T) {
	t.Parallel()
	monitoring := harness.Addr(harness.Port())
	s := pool{
		name: "scraped", options: []string{"--idle-timeout=1s", "--exit-idle-time=1s", "--status-listen=" + monitoring},
	}.install(t, own("status"))
	s.get("/")
	scrapes := harness.Load{URL: "http://" + monitoring + "/metrics", Clients: 2}.Start()
	s.awaitEvents(1, event.IdleExit)
	result := scrapes.Stop()
	t.Log(result)
	if result.OK < 20 { // those under way at the end were cut off
		t.Errorf("it was hardly looked at: %v", result)
	}
}

// TestControlSocket: a socket unit gives a group what else the service's user
// and root may do.
func TestControlSocket(t *testing.T) {
	t.Parallel()
	const path = "/run/control-test"
	s := pool{name: "control"}.install(t, func(s *service) {
		s.write("control-control.socket", "[Unit]\nPartOf=control.socket\n[Socket]\nListenStream="+path+
			"\nFileDescriptorName=control\nService=control.service\nSocketGroup=daemon\nSocketMode=0660\n")
		own("control")(s)
	})
	harness.Systemctl(t, "start", "control-control.socket")
	as := func(user string, args ...string) (string, error) {
		return harness.Run(append([]string{"setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups", harness.Availd}, args...)...)
	}
	// It starts the service, which takes longer than a status waits on a busy machine.
	harness.WaitFor(t, "the status for the group", harness.Patience, func() bool {
		out, err := as("daemon", "status", path)
		return err == nil && strings.Contains(out, "control")
	})
	if out, err := as("daemon", "reload", path); err != nil {
		t.Errorf("reload by the group: %v\n%s", err, out)
	}
	if out, err := as("bin", "status", path); err == nil {
		t.Errorf("somebody else is told:\n%s", out)
	}
	s.expectEvents(1, event.Reloading)
}
