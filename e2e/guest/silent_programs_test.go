//go:build e2e

package guest

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// TestGunicorn runs sync workers of gunicorn, each executed, and then forks of a template
// that has loaded an application of some 60 MB, and that forks by availd's function.
func TestGunicorn(t *testing.T) {
	t.Parallel()
	for _, how := range []struct{ name, data, template string }{
		{"executed", "", "off"},
		{"forked", "[str(n) * 10 for n in range(500000)]", "worker"},
	} {
		t.Run(how.name, func(t *testing.T) {
			s := silent(t, "gunicorn", "", func(*service) {
				mustScript(t, `install -D "$1" /usr/local/libexec/gunicorn-worker
mkdir -p "$4/lib/availd"; ln -sf "$3" "$4/lib/availd/" # where it would be installed with this availd
mkdir -p /srv/app; cat >/srv/app/app.py <<END
import os, time

data = [$2]

def application(environ, start_response):
    time.sleep(0.02)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done by %d\n" % os.getpid()]
END`, filepath.Join(harness.Examples, "gunicorn", "worker.py"), how.data, harness.Preload, filesRoot)
			}, "--limit=4", "--idle-timeout=3s", "--template="+how.template)
			load := s.load(8, "/")
			load.Timeout = 4 * harness.Patience // a restart is the end of four Pythons and the start of as many
			s.grows(load, 3, 3)
			s.deploys(load)
			for _, template := range templatesOf(s) {
				if maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", template.PID)); err != nil || !strings.Contains(string(maps), "availd-preload.so") {
					t.Errorf("the template forks by itself: %v", err)
				}
			}
			for _, w := range s.Workers() {
				if _, forked := w.Getenv("AVAILD_TEMPLATE_PID"); forked != (how.template == "worker") {
					t.Errorf("worker %d is a fork of a template: %t", w.PID, forked)
				}
			}
		})
	}
}

// TestSocketserver runs an accept loop, which would lose its request on SIGTERM.
func TestSocketserver(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, options ...string) *service {
		return silent(t, "socketserver", "", func(*service) {
			mustScript(t, `install -D "$1" /usr/local/libexec/socketserver`, filepath.Join(harness.Examples, "socketserver", "worker.py"))
		}, append([]string{"--limit=12", "--idle-timeout=2s"}, options...)...)
	}
	t.Run("inferred", func(t *testing.T) {
		s := start(t)
		load := s.load(8, "/")
		s.grows(load, 3, 3)
		s.deploys(load)
	})
	t.Run("preload", func(t *testing.T) {
		s := start(t, preloads["preload"]...)
		s.counted(uint64(requests(t, s.load(8, "/"), 200).OK), false)
	})
}

// tallying is an accept loop that writes down what it has accepted, a byte each.
const tallying = `#!/usr/bin/python3
import os, socket, sys, time

tally = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
listener = socket.socket(fileno=3)
while True:
    client, _ = listener.accept()
    os.write(tally, b"a")
    head = b""
    while b"\r\n\r\n" not in head:
        more = client.recv(4096)
        if not more:
            break
        head += more
    time.sleep(0.01)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    client.close()
`

// accepted is the tally so far.
func (s *service) accepted() int {
	s.t.Helper()
	return len(read(s.t, filepath.Join(s.dir, "tally")))
}

// TestQuiesceStop stops the service and its socket while everybody asks: who was
// accepted is answered, although the program knows of no signal.
func TestQuiesceStop(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(filesRoot, "quiesce-stop")
	s := pool{
		name: "quiesce-stop", options: []string{"--protocol=queue", "--limit=4", "--stop-timeout=3m"},
		command: []string{filepath.Join(dir, "worker.py"), filepath.Join(dir, "tally")},
		service: []string{"ReadWritePaths=" + dir},
	}.install(t, func(s *service) {
		s.write("worker.py", tallying)
		s.write("tally", "")
		if err := os.Chmod(filepath.Join(s.dir, "tally"), 0o666); err != nil {
			t.Fatal(err)
		}
	})
	for range 3 {
		before := s.accepted()
		// One client more than workers: what never waits for a client is caught between two
		// by chance alone, which takes minutes on a busy machine with many that wait.
		running := s.load(5, "/").Start()
		harness.WaitFor(t, "100 answers", harness.Patience, more(running, 100))
		begin := time.Now()
		harness.Systemctl(t, "stop", s.Socket(), s.Service())
		took := time.Since(begin)
		r := running.Stop()
		accepted := s.accepted() - before
		t.Logf("the stop took %v; accepted %d, answered %d, never accepted %d", took.Round(time.Millisecond), accepted, r.OK, r.Failed)
		if accepted != r.OK {
			t.Errorf("%d were accepted, %d answered: %v", accepted, r.OK, r)
		}
		s.gone()
		harness.Systemctl(t, "start", s.Socket())
	}
}

// TestAuto: nothing is known of a worker until it reports, and that it has is
// remembered.
func TestAuto(t *testing.T) {
	t.Parallel()
	s := pool{
		name: "auto", options: []string{"--protocol=auto", "--limit=4"}, command: fast,
		service: []string{"NonBlocking=yes"},
	}.install(t)
	s.Start()
	if now := s.state(); now.Counters.Requests != nil {
		t.Errorf("%d requests are known before the first report", *now.Counters.Requests)
	}
	s.fetch("/")
	s.await("a report to be believed", func(st status.Service) bool { return st.Counters.Requests != nil && *st.Counters.Requests == 1 })
	main := s.Main()
	shoot(t, main)
	s.awaitAnother(main)
	if now := s.state(); now.Counters.Requests == nil || *now.Counters.Requests != 1 || now.Idle != 1 || now.Workers[0].State != "idle" {
		t.Errorf("after a crash: %+v", now)
	}
	g := s.besiege(4)
	s.Reload()
	s.Restart()
	g.more(50)
	g.lift()
}

// packets is an accept loop on a sequential-packet socket.
const packets = `#!/usr/bin/python3
import socket
listener = socket.socket(fileno=3)
while True:
    client, _ = listener.accept()
    client.send(client.recv(100))
    client.close()
`

// TestQueueSeqpacket: the queue of such a socket is known too, as the service's
// own user.
func TestQueueSeqpacket(t *testing.T) {
	t.Parallel()
	const address = "@availd-test-seqpacket"
	s := pool{
		name: "seqpacket", options: []string{"--protocol=queue", "--limit=4"},
		command: []string{filepath.Join(filesRoot, "seqpacket", "worker.py")}, listen: []string{"ListenSequentialPacket=" + address},
	}.install(t, func(s *service) { s.write("worker.py", packets) })
	atOnce(t, 100, 4, func(int) error {
		c, err := net.Dial("unixpacket", address)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(harness.Patience))
		answer := make([]byte, 100)
		if _, err = io.WriteString(c, "packet"); err != nil {
			return err
		}
		if n, err := c.Read(answer); err != nil || string(answer[:n]) != "packet" {
			return fmt.Errorf("answer %q: %w", answer[:n], err)
		}
		return nil
	})
	s.unknown("queue")
}
