//go:build e2e

package guest

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// shutting is an accept loop that shuts the listening socket down when it is asked to.
const shutting = `#!/usr/bin/python3
import os, socket

listener = socket.socket(fileno=3)
while True:
    client, _ = listener.accept()
    if client.recv(1) == b"s":
        listener.shutdown(socket.SHUT_RDWR)
    client.sendall(b"%d" % os.getpid())
    client.close()
`

// overUnix is a pool of such workers behind a path.
func overUnix(t *testing.T, name string, options ...string) (s *service, path string) {
	t.Helper()
	path = filepath.Join("/run", "availd-guest-"+name+".sock")
	s = pool{
		name: name, options: append([]string{"--protocol=queue", "--limit=2"}, options...), listen: []string{"ListenStream=" + path, "SocketMode=0666"},
		command: []string{filepath.Join(filesRoot, name, "worker.py")},
	}.install(t, func(s *service) { s.write("worker.py", shutting) })
	t.Cleanup(func() { os.Remove(path) })
	return s, path
}

// word sends a byte and returns the answer.
func word(path, text string) (string, error) {
	c, err := net.Dial("unix", path)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(harness.Patience))
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

func (s *service) hears(path, text string) {
	s.t.Helper()
	if answer, err := word(path, text); err != nil || answer == "" {
		s.t.Fatalf("%s: answer %q, %v", s, answer, err)
	}
}

// again waits until clients are served over a path, by an availd that is not the old one.
func (s *service) again(path string, old harness.Process) {
	s.t.Helper()
	harness.WaitFor(s.t, "clients to be served again", 2*harness.Patience, seldom(func() bool {
		answer, err := word(path, "x")
		return err == nil && answer != ""
	}))
	if now := s.Main(); now == old {
		s.t.Errorf("clients are served by %v still", old)
	}
}

// TestSocketMadeAnew: a Unix socket that a worker has shut down is made anew, and nobody
// has to do anything: through a restart of the units where availd may ask for it, else
// when it has ended.
func TestSocketMadeAnew(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options []string
		says    *event.Message
	}{
		"anew-root":    {[]string{"-p", "User=root"}, event.SocketAnew},
		"anew-dynamic": {nil, event.SocketLeaving},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, path := overUnix(t, name, test.options...)
			for range 2 {
				s.hears(path, "x")
				old := s.Main()
				begin := time.Now()
				s.hears(path, "s")
				s.again(path, old)
				t.Logf("clients are served again after %v", time.Since(begin).Round(10*time.Millisecond))
			}
			s.awaitEvents(1, test.says)
			s.Stop()
			if left := s.Processes(); len(left) != 0 {
				t.Errorf("the stop left %v", left)
			}
			s.hears(path, "x")
		})
	}
}

// TestSocketOfOthers: a unit of which another socket is in order is left alone.
func TestSocketOfOthers(t *testing.T) {
	t.Parallel()
	s, path := overUnix(t, "anew-others", "-p", "User=root")
	other := path + "2"
	t.Cleanup(func() { os.Remove(other) })
	s.replaceSocket("ListenStream=" + other)
	s.hears(path, "x")
	main := s.Main()
	s.hears(path, "s")
	s.awaitEvents(1, event.SocketDead)
	s.await("the socket to be shown as faulty", func(st status.Service) bool {
		return len(st.Sockets) == 2 && st.Sockets[0].Fault != nil && st.Sockets[1].Fault == nil
	})
	if now := s.Main(); now != main {
		t.Errorf("%v is replaced by %v", main, now)
	}
	// A stop of both units finds the socket shut down, and is a stop all the same.
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	if state := harness.Show(t, s.Socket(), "ActiveState"); state == "active" || state == "activating" {
		t.Errorf("after the stop the socket is %s", state)
	}
}

// replaceSocket adds lines to the socket unit, and starts it with them.
func (s *service) replaceSocket(lines ...string) {
	s.t.Helper()
	file := filepath.Join("/run/systemd/system", s.Socket()+".d", "more.conf")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		os.RemoveAll(filepath.Dir(file))
		harness.Systemctl(s.t, "daemon-reload")
	})
	if err := os.WriteFile(file, []byte(section("Socket", lines)), 0o644); err != nil {
		s.t.Fatal(err)
	}
	harness.Systemctl(s.t, "daemon-reload")
	harness.Systemctl(s.t, "restart", s.Socket())
}

// TestPathMadeAnew: where availd may it has units restarted whose path is gone.
func TestPathMadeAnew(t *testing.T) {
	t.Parallel()
	s, path := overUnix(t, "anew-path", "-p", "User=root")
	s.hears(path, "x")
	old := s.Main()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, _ = s.ask() // whoever asks for the state has the path looked at
	s.again(path, old)
	s.awaitEvents(1, event.PathAnew)
}

// TestStopByKill: what a stop leaves that kills availd is ended, and is kept after a crash.
func TestStopByKill(t *testing.T) {
	t.Parallel()
	s := pool{name: "stop-kill", options: []string{"--limit=2", "--min-spare=2"}, service: []string{"KillSignal=SIGKILL"}}.install(t)
	s.get("/")
	s.await("the spares", func(st status.Service) bool { return st.Idle == 2 })
	workers, main := s.workersNow(), s.Main()
	shoot(t, main)
	s.awaitAnother(main)
	if now := s.workersNow(); !allKept(workers, now) {
		t.Errorf("a crash ended workers: %v, before %v", now, workers)
	}
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	if left := s.Processes(); len(left) != 0 {
		t.Errorf("the stop left %v", left)
	}
	harness.Systemctl(t, "start", s.Socket())
	s.get("/")
}
