//go:build e2e

package guest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/status"
)

// withBackoff installs the unit of the pause as well, which most scenarios do without.
func withBackoff(t *testing.T, replace ...string) func(*service) {
	return func(s *service) {
		name := filepath.Base(s.dir) + "-backoff.service"
		path := filepath.Join("/run/systemd/system", name)
		if err := os.WriteFile(path, []byte(strings.NewReplacer(replace...).Replace(read(t, filepath.Join(s.dir, name)))), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_, _ = harness.Run("systemctl", "stop", name)
			os.Remove(path)
			_, _ = harness.Run("systemctl", "daemon-reload")
		})
	}
}

// impossible are settings with which systemd cannot start anything, and what the
// journal says then.
var impossible = map[string][2]string{
	"user":        {"DynamicUser=no\nUser=nosuch", "status=217/USER"},
	"directory":   {"WorkingDirectory=/nosuch", "status=200/CHDIR"},
	"program":     {"ExecStart=\nExecStart=/nosuch/availd", "status=203/EXEC"},
	"path":        {"ReadWritePaths=/nosuch", "status=226/NAMESPACE"},
	"environment": {"EnvironmentFile=/nosuch", "Failed to load environment files"},
	"group":       {"DynamicUser=no\nGroup=nosuch", "status=216/GROUP"},
}

// again is what systemd says before each restart of its own.
const again = "Scheduled restart job"

// TestBackoff: a start that systemd cannot make is tried every five seconds, as long as
// a client waits, who is served when the cause is gone.
func TestBackoff(t *testing.T) {
	t.Parallel()
	for name, c := range impossible {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := pool{name: "backoff-" + name, service: strings.Split(c[0], "\n")}.install(t, withBackoff(t, "sleep 5;", "echo "+pausing+"; sleep 5;"))
			client := s.client()
			s.awaitSaid(c[1])
			// Not what systemd says before a restart: a daemon-reload of somebody else repeats that.
			failed := "Failed to start " + s.Service()
			begin, before := time.Now(), s.said(failed)
			harness.WaitFor(t, "three more starts", time.Minute, seldom(func() bool { return s.said(failed) >= before+3 }))
			if took := time.Since(begin); took < 9*time.Second {
				t.Errorf("three starts took %v, want 15 s", took)
			}
			if state := harness.Show(t, s.Socket(), "ActiveState"); state != "active" {
				t.Errorf("the socket is %s", state)
			}
			s.Rewrite(strings.Replace(s.text, section("Service", strings.Split(c[0], "\n")), "", 1))
			client.served(t)
			quick(t, s)
		})
	}
}

// pausing is what the unit of the pause says in these scenarios before it pauses.
const pausing = "a pause begins"

// quick kills availd, which is there again without a pause. How long that takes is the
// machine's affair: the unit of the pause is asked, and no clock.
func quick(t *testing.T, s *service) {
	t.Helper()
	unit := strings.TrimSuffix(s.Service(), ".service") + "-backoff.service"
	pauses := func() int { return strings.Count(harness.Journal(unit), pausing) }
	before := pauses()
	if before == 0 {
		t.Error("the unit of the pause has not said that it pauses, so it cannot be asked")
	}
	main := s.Main()
	shoot(t, main)
	s.awaitAnother(main)
	if n := pauses(); n != before {
		t.Errorf("systemd paused %d times before it started availd again after a crash, want 0", n-before)
	}
}

// TestBackoffKeepsWorkers: workers outlive an availd that systemd cannot start again
// for a while, and the next one adopts them.
func TestBackoffKeepsWorkers(t *testing.T) {
	t.Parallel()
	s := pool{name: "backoff-keeps", options: []string{"--limit=2"}}.install(t, withBackoff(t))
	s.get("/")
	before := s.workersNow()
	s.Rewrite(s.text + section("Service", []string{"WorkingDirectory=/nosuch"}))
	shoot(t, s.Main())
	harness.WaitFor(t, "two starts to fail", harness.Patience, seldom(func() bool { return s.said(again) >= 2 }))
	s.get("/") // the workers go on
	s.Rewrite(s.text)
	s.await("the next availd", func(st status.Service) bool { return st.Counters.Adopted > 0 })
	if now := s.workersNow(); !allKept(before, now) {
		t.Errorf("workers were %v and are %v", before, now)
	}
}

// TestBackoffStop: a stop does not wait for the pause, and ends it.
func TestBackoffStop(t *testing.T) {
	t.Parallel()
	s := pool{name: "backoff-stop", service: []string{"DynamicUser=no", "User=nosuch"}}.install(t, withBackoff(t, "sleep 5;", "sleep 40;"))
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	harness.WaitFor(t, "a start to be tried again, after a pause", harness.Patience, seldom(func() bool { return s.said(again) >= 1 }))
	begin := time.Now()
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	if took := time.Since(begin); took > harness.Patience {
		t.Errorf("the stop took %v", took)
	}
}

// TestUnitsFiles: the room for descriptors that a unit makes for availd is not the
// workers'; one that an administrator makes is.
func TestUnitsFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{"files-own": {nil, "1024"}, "files-asked": {[]string{"LimitNOFILE=3000"}, "3000"}} {
		s := pool{name: name, options: []string{"--limit=3000"}, service: c.lines}.install(t)
		s.get("/")
		limits := read(t, fmt.Sprintf("/proc/%d/limits", s.Workers()[0].PID))
		if !regexp.MustCompile("(?m)^Max open files +" + c.want + " ").MatchString(limits) {
			t.Errorf("%s: a worker may have other than %s descriptors:\n%s", name, c.want, limits)
		}
	}
}

// TestHeldBackKeepsServing: while a start of availd fails and is held back, nobody takes
// the reports of the workers that have outlived the last one. They report more than the
// kernel has room for, and go on serving all the same.
func TestHeldBackKeepsServing(t *testing.T) {
	t.Parallel()
	s := pool{name: "held-back", options: []string{"--limit=2"}}.install(t)
	s.get("/")
	s.configure("--limit=x")
	main := s.Main()
	shoot(t, main)
	harness.WaitFor(t, "a start that fails", harness.Patience, seldom(func() bool { return strings.Contains(s.Status(), "limit=x") }))
	requests(t, s.load(4, "/"), 2*report.Queue()) // two reports each
	if strings.Contains(s.Status(), "busy") {
		t.Errorf("STATUS=%q: availd is there, and this test has tried nothing", s.Status())
	}
	s.configure("--limit=2")
	s.await("the next availd", func(st status.Service) bool { return st.Counters.Adopted > 0 })
	allServed(t, s.load(4, "/").For(time.Second))
}
