//go:build e2e

package guest

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// confinement is what a service is confined by.
type confinement struct {
	name    string
	systemd int // that knows the settings, 0 = every one
	lines   []string
	queue   bool // also tried with workers that do not report
	// refused is what the journal says when availd cannot work so; "" = it works.
	refused string
}

// rooted is a root directory that has the programs of the machine.
var rooted = []string{
	"RootDirectory=" + filepath.Join(filesRoot, "sandbox-root"),
	"BindReadOnlyPaths=/usr /lib -/lib64 /bin " + harness.Dir + " " + filesRoot,
}

func confinements() []confinement {
	return []confinement{
		{name: "network", queue: true, lines: []string{"PrivateNetwork=yes"}},
		{name: "users", queue: true, lines: []string{"PrivateUsers=yes"}},
		{name: "identity", systemd: 257, queue: true, lines: []string{"PrivateUsers=identity"}},
		{name: "full", systemd: 258, queue: true, lines: []string{"PrivateUsers=full"}},
		{name: "restrict", lines: []string{"RestrictNamespaces=yes"}},
		{name: "noaccess", lines: []string{"ProtectProc=noaccess"}},
		{name: "invisible", lines: []string{"ProtectProc=invisible"}},
		{name: "ptraceable", lines: []string{"ProtectProc=ptraceable"}},
		{name: "subset", lines: []string{"ProcSubset=pid"}},
		{name: "groups", systemd: 257, lines: []string{"ProtectControlGroups=strict"}},
		{name: "owngroups", systemd: 257, lines: []string{"ProtectControlGroups=private", "Delegate=yes", "DelegateSubgroup=availd"}},
		{name: "root", lines: rooted},
		{name: "memory", lines: []string{"MemoryDenyWriteExecute=yes"}},
		{name: "delegate", lines: []string{"Delegate=yes"}},
		{name: "subgroup", systemd: 254, lines: []string{"Delegate=yes", "DelegateSubgroup=availd"}},
		// Not "user": systemd would choose the same dynamic user for it as for "all", and after a
		// crash of both each may get the one of the other.
		{name: "dynamic", lines: []string{"DynamicUser=yes"}},
		{name: "all", queue: true, lines: append([]string{
			"PrivateNetwork=yes", "PrivateUsers=yes", "ProtectProc=invisible", "ProcSubset=pid", "MemoryDenyWriteExecute=yes",
		}, rooted...)},
		{
			name: "pids", systemd: 257, lines: []string{"PrivatePIDs=yes", "DynamicUser=no", "User=daemon"},
			refused: "availd is process 1 of a PID namespace, so the kernel would kill all workers when availd dies: remove PrivatePIDs=yes",
		},
		{
			name: "noproc", lines: []string{"InaccessiblePaths=/proc"},
			refused: "/proc is not mounted here",
		},
	}
}

// TestSandbox: whatever confines a service, it serves, reloads, outlives the death of
// availd and leaves nobody behind after its stop; or availd says why it cannot.
func TestSandbox(t *testing.T) {
	t.Parallel()
	version, err := strconv.Atoi(os.Getenv(harness.EnvSystemd))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"proc", "sys", "dev", "run", "tmp", "var/tmp", "etc", "root", "home", "var/lib"} {
		if err := os.MkdirAll(filepath.Join(filesRoot, "sandbox-root", dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.RemoveAll(filepath.Join(filesRoot, "sandbox-root")) })
	for _, c := range confinements() {
		if c.systemd > version {
			t.Logf("%s: left out, systemd %d is the first to know it", c.name, c.systemd)
			continue
		}
		if c.refused != "" {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				refusal{pool: pool{name: c.name, service: c.lines}, exit: 78, says: []string{c.refused}}.run(t)
			})
			continue
		}
		protocols := []string{"notify"}
		if c.queue {
			protocols = append(protocols, "queue")
		}
		for _, protocol := range protocols {
			t.Run(c.name+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				c.run(t, protocol)
			})
		}
	}
}

func (c confinement) run(t *testing.T, protocol string) {
	options := []string{"--limit=2", "--protocol=" + protocol}
	for _, line := range c.lines {
		options = append(options, "-p", line)
	}
	s := pool{
		name: "sandbox-" + c.name + "-" + protocol, options: options, command: fast,
		// It outlives a stop, unless ExecStopPost= ends it.
		service: []string{"ExecStartPost=/bin/sh -c '/bin/sleep 1000 & exit 0'"},
	}.install(t)
	// Whether workers that do not report are idle shows in between two requests only.
	clients, path, least := 4, sleepPath(work), 2
	if protocol == "queue" {
		clients, path, least = 1, "/", 1
	}
	running := s.load(clients, path).Start()
	served := func(when string) {
		t.Helper()
		harness.WaitFor(t, "20 answers "+when, 2*harness.Patience, more(running, 20))
	}
	served("after the start")
	// A reload during the start is none.
	harness.WaitFor(t, "the service to be up", harness.Patience, seldom(func() bool { return s.Show("ActiveState") == "active" }))
	s.await("workers", func(st status.Service) bool { return st.Total >= least && st.Name == s.Name })
	last := s.youngest()
	s.Reload()
	s.replaced(last)
	served("after the reload")
	s.await("new workers", func(st status.Service) bool { return st.Total >= least && st.Retiring == 0 })

	workers, main := s.serving(), s.Main()
	shoot(t, main)
	s.awaitAnother(main)
	served("after the death of availd")
	if before, now := user(workers[0]), user(s.Main().PID); before != now {
		t.Errorf("systemd has started the next availd as user %s, and the workers are of %s", now, before)
	}
	if now := s.serving(); !allKept(workers, now) || len(now) > 2 {
		t.Errorf("workers noticed the death of availd: they were %v and are %v", workers, now)
	}
	if n := s.state().Counters.Adopted; n < uint64(len(workers)) { // one may have come in between
		t.Errorf("%d workers were adopted, want %d", n, len(workers))
	}
	if q := s.state().Sockets; len(q) != 1 || q[0].Queue == nil {
		t.Errorf("the queue is not known: %+v", q)
	}
	allServed(t, running.Stop())

	// One stop by availd itself, and one while there is none.
	s.Stop()
	s.nobody("the stop")
	if protocol == "queue" {
		return // that is no other
	}
	s.fetch("/")
	s.Rewrite(s.text + section("Service", []string{"RestartSec=1h"}))
	shoot(t, s.Main())
	harness.WaitFor(t, "systemd to wait with the next start", harness.Patience, seldom(func() bool { return s.Show("SubState") == "auto-restart" }))
	if len(s.serving()) == 0 {
		t.Error("no worker outlived availd")
	}
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	s.nobody("the stop without an availd")
	if text := s.Journal(); strings.Contains(text, "availd reap is for") {
		t.Errorf("reap does not know where it is:\n%s", text)
	}
}

// serving are the pids of the workers, without what ExecStartPost= has left.
func (s *service) serving() (pids []int) {
	for _, p := range s.Workers() {
		if p.Exe() == fast[0] {
			pids = append(pids, p.PID)
		}
	}
	slices.Sort(pids)
	return pids
}

// nobody checks that no process of the service is left.
func (s *service) nobody(after string) {
	s.t.Helper()
	for _, p := range s.Processes() {
		s.t.Errorf("%s left pid %d: %s", after, p.PID, p.Command())
	}
}

// user is the real user of a process, by proc_pid_status(5).
func user(pid int) string {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status") // it is gone
	for _, line := range splitLines(string(text)) {
		if ids, ok := strings.CutPrefix(line, "Uid:\t"); ok {
			return strings.Fields(ids)[0]
		}
	}
	return ""
}
