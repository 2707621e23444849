//go:build e2e

package guest

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// check is what monitoring gets to see.
func (s *service) check() (exit int, line string) {
	s.t.Helper()
	line, err := harness.Run(harness.Availd, "status", "--check", s.Name)
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return failed.ExitCode(), line
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return 0, line
}

func (s *service) awaitCheck(want int, text string) {
	s.t.Helper()
	var exit int
	var line string
	harness.WaitFor(s.t, "a check to say "+text, harness.Patience, seldom(func() bool {
		exit, line = s.check()
		return strings.Contains(line, text)
	}))
	s.t.Logf("exit status %d: %s", exit, line)
	if exit != want {
		s.t.Errorf("%q ends with %d, want %d", line, exit, want)
	}
}

// TestStatus: what monitoring and administrators see of a pool that is full,
// under stress, idle, throttled and stopped; and what it would have needed.
func TestStatus(t *testing.T) {
	t.Parallel()
	s := pool{name: "status", options: []string{"--limit=2", "--stress=flag", "--stress-hold=60s"}}.install(t)
	s.Start()
	s.awaitCheck(0, "AVAILD OK: status: 0 of 2 busy")
	running := s.load(5, "/sleep?400").Start()
	s.awaitCheck(2, "AVAILD CRITICAL: status: 2 of 2 busy, full since ")
	s.await("3 more to be waited for", func(st status.Service) bool { return st.Demand.Peak >= 5 })
	running.Stop()
	s.awaitCheck(1, "AVAILD WARNING: status: 0 of 2 busy, under stress until ")
	before := s.state().Demand
	main := s.Main()
	shoot(t, main)
	s.awaitAnother(main)
	after := s.state().Demand
	// A client that comes again before its worker has said that it is free is
	// there twice for a moment.
	if after.Peak < 5 || after.Peak > 10 || after.AdvisedLimit == nil || *after.AdvisedLimit != after.Peak ||
		after.Peak != before.Peak || after.FullSeconds < before.FullSeconds {
		t.Errorf("the demand is %+v after a crash, %+v before", after, before)
	}
	text := harness.MustRun(t, harness.Availd, "status", s.Name)
	t.Logf("availd status %s\n%s", s.Name, text)
	if !strings.Contains(text, fmt.Sprintf("at most %d busy or waited for; full for ", after.Peak)) ||
		!strings.Contains(text, fmt.Sprintf("--limit=%d would have covered that", after.Peak)) {
		t.Error("there is no advice")
	}
	mayNotLook(t, s)
	for _, w := range s.Workers() {
		kill(t, w)
	}
	s.empty()
	s.write("crash", "3")
	c := s.client()
	s.awaitCheck(2, "throttled until ")
	s.unknob("crash")
	c.served(t)
	s.Stop()
	s.awaitCheck(3, "AVAILD UNKNOWN: service status is not running: ")
}

// mayNotLook: another user is told which socket is barred, and what to do.
func mayNotLook(t *testing.T, s *service) {
	t.Helper()
	for _, args := range [][]string{{"status"}, {"status", s.Name}, {"reload", s.Name}, {"upgrade", s.Name}} {
		out, err := harness.Run(append([]string{"setpriv", "--reuid=nobody", "--clear-groups", harness.Availd}, args...)...)
		if err == nil || !strings.Contains(out, "/run/availd/status/control may not be read by this user: try as root") {
			t.Errorf("nobody is told %q, %v by availd %q", out, err, args)
		}
	}
}
