//go:build e2e

package guest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
)

// dial connects to a socket of the pool, as bounds the wait for its answer.
func dial(t *testing.T, network, address string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(harness.Patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// ask sends a packet and returns what the worker says of itself.
func ask(t *testing.T, network, address string) answer {
	t.Helper()
	c := dial(t, network, address)
	if _, err := c.Write([]byte("who are you?")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatalf("%s %s: %v", network, address, err)
	}
	return parse(t, string(buf[:n]))
}

// TestSockets: every kind of socket in one unit, as libsystemd of the machine
// sees it in the worker.
func TestSockets(t *testing.T) {
	t.Parallel()
	port, udp := harness.Port(), harness.Port()
	dir := filepath.Join(filesRoot, "sockets")
	stream, packet, fifo := dir+"/stream", dir+"/packet", dir+"/fifo"
	s := pool{
		name: "sockets", port: port, socket: []string{"FileDescriptorName=web"},
		listen: []string{
			"ListenStream=" + harness.Addr(port), "ListenStream=" + stream,
			"ListenSequentialPacket=" + packet, "ListenDatagram=" + harness.Addr(udp), "ListenFIFO=" + fifo,
		},
	}.install(t)
	check := s.neverFailed(t)
	body, err := harness.Load{URL: "http://worker/sd", Unix: stream}.Get()
	if err != nil {
		t.Fatal(err)
	}
	checkHandOver(t, parse(t, body), "web:web:web:web:web")
	checkHandOver(t, s.get("/sd"), "web:web:web:web:web")
	checkHandOver(t, ask(t, "unixpacket", packet), "web:web:web:web:web")
	checkHandOver(t, ask(t, "udp", harness.Addr(udp)), "web:web:web:web:web")
	writeFIFO(t, s, fifo)
	check()
}

// checkHandOver compares the environment with what sd_listen_fds(3) makes of it,
// which looks at LISTEN_PID.
func checkHandOver(t *testing.T, a answer, names string) {
	t.Helper()
	list := strings.Split(names, ":")
	if a.Names != names || a.FDs != fmt.Sprint(len(list)) || len(a.Handed) != len(list) {
		t.Errorf("LISTEN_FDNAMES=%q LISTEN_FDS=%s, sd_listen_fds %v; want %q", a.Names, a.FDs, a.Handed, names)
	}
	for i, name := range list {
		if got := a.Handed[fmt.Sprint(3+i)]; got != name {
			t.Errorf("descriptor %d is called %q, want %q", 3+i, got, name)
		}
	}
}

// writeFIFO writes a line, which the worker keeps in the runtime directory.
func writeFIFO(t *testing.T, s *service, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("a line"); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join("/run/availd", s.Name, "fifo")
	harness.WaitFor(t, "the line in "+kept, harness.Patience, func() bool {
		text, _ := os.ReadFile(kept)
		return string(text) == "a line"
	})
}

// TestNamedSockets: several socket units of one service. The worker sees those
// that are not for availd itself, in the order of systemd.
func TestNamedSockets(t *testing.T) {
	t.Parallel()
	admin, own := harness.Addr(harness.Port()), filepath.Join(filesRoot, "named/status")
	s := pool{
		name: "named", socket: []string{"FileDescriptorName=web"},
		service: []string{"Sockets=named.socket named-admin.socket named-status.socket"},
	}.install(t, func(s *service) {
		s.extraUnit("named-admin.socket", "[Socket]\nService=named.service\nFileDescriptorName=admin\nListenStream="+admin+"\n")
		s.extraUnit("named-status.socket", "[Socket]\nService=named.service\nFileDescriptorName=status\nListenStream="+own+"\n")
	})
	harness.Systemctl(t, "start", "named-admin.socket", "named-status.socket")
	first := s.get("/sd")
	passed, _ := s.Main().Getenv("LISTEN_FDNAMES")
	t.Logf("systemd passed %s", passed)
	var want []string
	for name := range strings.SplitSeq(passed, ":") {
		if name != "status" {
			want = append(want, name)
		}
	}
	if len(want) != 2 {
		t.Errorf("systemd passed %q, want web, admin and status", passed)
	}
	checkHandOver(t, first, strings.Join(want, ":"))
	body, err := harness.Load{URL: "http://" + admin + "/sd"}.Get()
	if err != nil {
		t.Fatal(err)
	}
	checkHandOver(t, parse(t, body), strings.Join(want, ":"))
	out := harness.MustRun(t, "curl", "-sS", "--unix-socket", own, "http://availd/status")
	if !strings.Contains(out, `"name":"named"`) {
		t.Errorf("GET /status on a socket called status says %s", out)
	}
}

// extraUnit is a unit beside the pair. It is gone after it.
func (s *service) extraUnit(name, text string) {
	s.t.Helper()
	path := filepath.Join("/run/systemd/system", name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if _, err := harness.Run("systemctl", "stop", strings.Replace(name, "@.", "@*.", 1)); err != nil {
			s.t.Error(err)
		}
		os.Remove(path)
	})
}
