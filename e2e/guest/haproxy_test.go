//go:build e2e

package guest

import (
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
)

// balancer is a running HAProxy.
type balancer struct {
	t           *testing.T
	addr, stats string
}

// startHAProxy runs Debian's with the example's configuration: only addresses are
// others, and the agents are asked more often.
func startHAProxy(t *testing.T, one, two *watched) *balancer {
	t.Helper()
	dir := t.TempDir()
	b := &balancer{t, harness.Addr(harness.Port()), filepath.Join(dir, "stats")}
	config := strings.NewReplacer(
		"127.0.0.1:8000", b.addr, "inter 1s", "inter 100ms",
		"log stderr local0 notice", "log stderr local0 notice\n\tstats socket "+b.stats+" level admin",
		"10.0.0.1:8080 port 9180 agent-port 9180", one.place(),
		"10.0.0.2:8080 port 9180 agent-port 9180", two.place(),
	).Replace(read(t, harness.Examples+"/haproxy/haproxy.cfg"))
	path := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := harness.MustRun(t, "haproxy", "-c", "-q", "-f", path); out != "" {
		t.Errorf("HAProxy says of the configuration:\n%s", out)
	}
	daemon(t, "haproxy", "-db", "-f", path)
	return b
}

// server is what HAProxy knows of one.
type server struct {
	weight, served int
	status         string
}

// command has HAProxy do something, and returns what it says.
func (b *balancer) command(text string) (string, error) {
	conn, err := net.Dial("unix", b.stats)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	fmt.Fprintln(conn, text)
	said, err := io.ReadAll(conn)
	return string(said), err
}

// server reads HAProxy's statistics ("show stat" in its management guide).
func (b *balancer) server(name string) server {
	b.t.Helper()
	text, err := b.command("show stat")
	if err != nil {
		return server{status: err.Error()} // it is not up yet
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 {
		b.t.Fatalf("read HAProxy's statistics: %v", err)
	}
	column := map[string]int{}
	for i, title := range rows[0] {
		column[strings.TrimPrefix(title, "# ")] = i
	}
	for _, row := range rows[1:] {
		if row[column["pxname"]] == "web" && row[column["svname"]] == name {
			number := func(title string) int { n, _ := strconv.Atoi(row[column[title]]); return n }
			return server{number("weight"), number("stot"), row[column["status"]]}
		}
	}
	b.t.Fatalf("HAProxy knows no server %s", name)
	return server{}
}

func (b *balancer) await(what, name string, is func(server) bool) {
	b.t.Helper()
	var last server
	defer func() {
		if b.t.Failed() {
			b.t.Logf("server %s was %+v", name, last)
		}
	}()
	harness.WaitFor(b.t, what, 2*harness.Patience, seldom(func() bool { last = b.server(name); return is(last) }))
}

// shares is how many requests of the next n each server gets.
func (b *balancer) shares(r *harness.Running, n int) (one, two int) {
	b.t.Helper()
	before1, before2 := b.server("one").served, b.server("two").served
	harness.WaitFor(b.t, fmt.Sprint(n, " answers"), 2*harness.Patience, more(r, n))
	return b.server("one").served - before1, b.server("two").served - before2
}

// watched is a service with an agent.
type watched struct {
	*service
	agent string
}

func (w *watched) place() string {
	_, port, _ := net.SplitHostPort(w.agent)
	return fmt.Sprintf("%s port %s agent-port %s", w.addr, port, port)
}

func withAgent(t *testing.T, name string, options ...string) *watched {
	t.Helper()
	agent := harness.Addr(harness.Port())
	options = append(options, "--limit=6", "--agent-listen="+agent)
	return &watched{pool{name: name, options: options}.install(t, own("agent")), agent}
}

// TestHAProxy balances two services. Traffic moves away from the one under stress
// and from the one being stopped, comes back after its start, and no request
// fails.
func TestHAProxy(t *testing.T) {
	t.Parallel()
	one := withAgent(t, "haproxy-one", "--stress=flag", "--stress-hold=3s")
	two := withAgent(t, "haproxy-two")
	b := startHAProxy(t, one, two)
	for _, name := range []string{"one", "two"} {
		b.await("server "+name+" to be up", name, func(s server) bool { return s.status == "UP" && s.weight > 50 })
	}
	running := harness.Load{URL: "http://" + b.addr + "/sleep?10", Clients: 4}.Start()
	even1, even2 := b.shares(running, 100)
	t.Logf("at rest: %d and %d requests", even1, even2)
	if even1 < 20 || even2 < 20 {
		t.Errorf("at rest the servers get %d and %d requests", even1, even2)
	}
	b.stress(t, running, one)
	b.stop(t, running, one)
	b.stopGently(t, running, two)
	result := running.Stop()
	allServed(t, result)
}

// stress fills a service from elsewhere until it is over.
func (b *balancer) stress(t *testing.T, running *harness.Running, one *watched) {
	t.Helper()
	flood := one.load(12, "/sleep?100").Start()
	one.awaitLine("STRESS until")
	b.await("server one to have next to no weight", "one", func(s server) bool { return s.status == "UP" && s.weight <= 10 })
	low, high := b.shares(running, 100)
	t.Logf("under stress: %d and %d requests", low, high)
	if low*4 > high {
		t.Errorf("the server under stress gets %d of %d requests", low, low+high)
	}
	allServed(t, flood.Stop())
	b.await("server one to have its weight again", "one", func(s server) bool { return s.status == "UP" && s.weight > 50 })
}

// stop stops a service that has a request under way, and starts it again.
func (b *balancer) stop(t *testing.T, running *harness.Running, one *watched) {
	t.Helper()
	long, stopped := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := one.load(1, "/sleep?10000").Get()
		long <- err
	}()
	harness.WaitFor(t, "a worker to have the long request", harness.Patience, more(running, 50))
	go func() {
		_, err := harness.Run("systemctl", "stop", one.Socket())
		stopped <- err
	}()
	b.await("server one to be drained", "one", func(s server) bool { return strings.HasPrefix(s.status, "DRAIN") })
	if err := <-long; err != nil {
		t.Errorf("the request that was under way: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	b.await("server one to be down", "one", func(s server) bool { return strings.HasPrefix(s.status, "DOWN") })
	away, all := b.shares(running, 100)
	t.Logf("stopped: %d and %d requests", away, all)
	if away != 0 {
		t.Errorf("the server that is stopped gets %d requests", away)
	}
	if is := one.Show("ActiveState"); is != "inactive" {
		t.Errorf("the stopped service is %s: something has started it", is)
	}
	harness.Systemctl(t, "start", one.Socket())
	b.await("server one to be up again", "one", func(s server) bool { return s.status == "UP" && s.weight > 50 })
	back, _ := b.shares(running, 100)
	t.Logf("started again: %d requests", back)
	if back < 20 {
		t.Errorf("after its start the server gets %d of 100 requests", back)
	}
}

// stopGently tells HAProxy before it stops a service, so that no request is even
// late.
func (b *balancer) stopGently(t *testing.T, running *harness.Running, two *watched) {
	t.Helper()
	if said, err := b.command("disable agent web/two; set server web/two state drain"); err != nil || strings.TrimSpace(said) != "" {
		t.Fatalf("HAProxy says %q, %v", said, err)
	}
	b.await("server two to be drained", "two", func(s server) bool { return strings.HasPrefix(s.status, "DRAIN") })
	harness.Systemctl(t, "stop", two.Socket())
	harness.WaitFor(t, "100 answers", 2*harness.Patience, more(running, 100))
	harness.Systemctl(t, "start", two.Socket())
	if _, err := b.command("enable agent web/two"); err != nil {
		t.Fatal(err)
	}
	b.await("server two to be up again", "two", func(s server) bool { return s.status == "UP" && s.weight > 50 })
}
