//go:build e2e

package guest

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
)

// seeded is a mistake in a pool.
type seeded struct {
	pool
	prepare func(*service)
	after   func(*testing.T, *service) // the pool is installed
	id      string                     // of the only finding that is expected
}

// listening is a program that listens somewhere else than on descriptor 3.
const listening = `import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
while True:
    time.sleep(600)
`

func seeds() []seeded {
	script := func(name, text string) func(*service) { return func(s *service) { s.write(name, text) } }
	in := func(name, file string) string { return filepath.Join(filesRoot, "check-"+name, file) }
	silent := []string{"NonBlocking=no"}
	visit := func(t *testing.T, s *service) {
		t.Helper()
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	return []seeded{
		{pool: pool{name: "right"}},
		{pool: pool{name: "path", command: []string{"/usr/local/libexec/no-such-worker"}}, id: "missing"},
		{
			pool: pool{name: "mode"}, id: "not-executable",
			prepare: func(s *service) { _ = os.Chmod(filepath.Join(s.dir, "worker.py"), 0o644) },
		},
		{
			pool: pool{name: "closed", command: []string{in("closed", "sub/worker")}}, id: "unreachable",
			prepare: func(s *service) {
				_ = os.Mkdir(filepath.Join(s.dir, "sub"), 0o700)
				s.write("sub/worker", "#!/bin/sh\n")
			},
		},
		{
			pool: pool{name: "interpreter", command: []string{in("interpreter", "worker")}}, id: "interpreter",
			prepare: script("worker", "#!/usr/bin/python9\n"),
		},
		{pool: pool{name: "user", service: []string{"DynamicUser=no", "User=no-such-user"}}, id: "no-such-user"},
		{pool: pool{name: "paths", service: []string{"ReadWritePaths=/srv/no-such-directory"}}, id: "confinement-fails"},
		{pool: pool{name: "calls", service: []string{"SystemCallFilter=~@process"}}, id: "calls-denied"},
		{pool: pool{name: "kill", service: []string{"KillMode=control-group"}}, id: "kill-mode"},
		{
			pool: pool{name: "stopped"}, id: "socket-not-started",
			after: func(t *testing.T, s *service) { harness.Systemctl(t, "stop", s.Socket()) },
		},
		{
			pool: pool{name: "port"}, id: "address-in-use",
			after: func(t *testing.T, s *service) {
				harness.Systemctl(t, "stop", s.Socket())
				l, err := net.Listen("tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { l.Close() })
			},
		},
		{
			pool:    pool{name: "protocol", command: []string{"/usr/bin/python3", in("protocol", "loop.py")}},
			prepare: script("loop.py", acceptLoop), after: visit, id: "not-ready",
		},
		{
			pool:    pool{name: "silent", command: []string{"/usr/bin/sleep", "600"}, service: silent},
			prepare: script("check-silent.conf", "protocol=queue\n"), after: visit, id: "never-accepts",
		},
		{
			pool: pool{name: "elsewhere", command: []string{"/usr/bin/python3", in("elsewhere", "listening.py")}, service: silent},
			prepare: func(s *service) {
				s.write("listening.py", listening)
				s.write("check-elsewhere.conf", "protocol=queue\n")
			},
			after: visit, id: "own-listener",
		},
	}
}

// TestCheck: availd check finds what is wrong with real units, and nothing else.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, m := range seeds() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.pool.name = "check-" + m.pool.name
			prepare := m.prepare
			if prepare == nil {
				prepare = func(*service) {}
			}
			s := m.pool.install(t, prepare)
			if m.after != nil {
				m.after(t, s)
			}
			var said string
			defer func() { t.Log(said) }()
			harness.WaitFor(t, fmt.Sprintf("availd check to find %q alone", m.id), harness.Patience, seldom(func() bool {
				var ids []string
				ids, said = s.findings(t)
				if m.id == "" {
					return len(ids) == 0
				}
				return slices.Equal(ids, []string{m.id})
			}))
		})
	}
}

// findings are what availd check finds, but for what is so of all pools here: their
// sockets are not enabled.
func (s *service) findings(t *testing.T) (ids []string, said string) {
	t.Helper()
	out, _ := harness.Run(harness.Availd, "check", "--format=json", s.Name) // its status is that of what it finds
	var results []struct {
		Findings []struct{ Severity, ID, Text string }
	}
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) != 1 {
		t.Fatalf("availd check says %q: %v", out, err)
	}
	for _, f := range results[0].Findings {
		if f.Severity != "ok" && f.ID != "socket-not-enabled" {
			ids = append(ids, f.ID)
		}
		said += strings.Join([]string{f.Severity, f.ID, f.Text}, " ") + "\n"
	}
	return ids, said
}

// TestCheckShipped: nothing is wrong with the units beside the examples, as systemd sees
// them. They have other names here, as other scenarios run the same; their sockets are not
// started, and of a program that is not installed there is one that does nothing.
func TestCheckShipped(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(harness.Examples, "*", "*.service"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".service")
		if !strings.HasSuffix(name, "-backoff") {
			ship(t, filepath.Dir(file), name)
			names = append(names, "shipped-"+name)
		}
	}
	harness.Systemctl(t, "daemon-reload")
	out, _ := harness.Run(append([]string{harness.Availd, "check", "--format=json"}, names...)...) // its status is that of what it finds
	var results []struct {
		Name     string
		Findings []struct{ Severity, ID, Text string }
	}
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) != len(names) || len(names) < 15 {
		t.Fatalf("%d services of %d: %v: %s", len(results), len(names), err, out)
	}
	for _, r := range results {
		for _, f := range r.Findings {
			if f.Severity != "ok" && f.ID != "socket-not-started" && f.ID != "address-in-use" {
				t.Errorf("%s: %s: %s", r.Name, f.ID, f.Text)
			}
		}
	}
}

// ship installs the units of an example, and removes them in the end.
func ship(t *testing.T, dir, name string) {
	t.Helper()
	const units = "/run/systemd/system"
	conf := filepath.Join(filesRoot, "shipped", name+".conf")
	put := func(path, text string, mode os.FileMode) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(path) })
	}
	rename := func(path string) string {
		text := strings.NewReplacer("/usr/bin/availd", harness.Availd, "/etc/availd/"+name+".conf", conf).Replace(read(t, path))
		for _, line := range []string{"RuntimeDirectory=availd/", " reload ", "AVAILD_SOCKET=", "Requires=", "After="} {
			text = strings.ReplaceAll(text, line+name, line+"shipped-"+name)
		}
		return text
	}
	put(conf, read(t, filepath.Join(dir, name+".conf")), 0o644)
	put(filepath.Join(units, "shipped-"+name+".socket"), rename(filepath.Join(dir, name+".socket")), 0o644)
	service := rename(filepath.Join(dir, name+".service"))
	put(filepath.Join(units, "shipped-"+name+".service"), service, 0o644)
	dropIns, _ := filepath.Glob(filepath.Join(dir, name+".service.d", "*.conf"))
	for _, file := range dropIns {
		put(filepath.Join(units, "shipped-"+name+".service.d", filepath.Base(file)), rename(file), 0o644)
	}
	_, command, _ := strings.Cut(service, " -- ")
	for word := range strings.FieldsSeq(strings.SplitN(command, "\n", 2)[0]) {
		if _, err := os.Stat(word); err != nil && strings.HasPrefix(word, "/usr/") {
			put(word, "#!/bin/sh\n", 0o755)
		}
	}
}
