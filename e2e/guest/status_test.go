//go:build e2e

package guest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/history"
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
	s.await("3 more to be waited for", func(st status.Service) bool {
		return st.Demand.Peak >= 5 && st.Demand.AdvisedLimit != nil
	})
	running.Stop()
	s.awaitCheck(1, "AVAILD WARNING: status: 0 of 2 busy, under stress until ")
	before := s.state().Demand
	pastIsKept(t, s) // a crash takes at most what has come since the last question
	main := s.Main()
	shoot(t, main)
	s.awaitAnother(main)
	after := s.state().Demand
	// A client that comes again before its worker has said that it is free is
	// there twice for a moment.
	if after.Peak < 5 || after.Peak > 10 || after.AdvisedLimit == nil || *after.AdvisedLimit < 3 || *after.AdvisedLimit > 10 ||
		after.Peak != before.Peak || after.FullSeconds < before.FullSeconds {
		t.Errorf("the demand is %+v after a crash, %+v before", after, before)
	}
	text := harness.MustRun(t, harness.Availd, "status", s.Name)
	t.Logf("availd status %s\n%s", s.Name, text)
	if !strings.Contains(text, fmt.Sprintf(" %d workers; ", after.Peak)) ||
		!strings.Contains(text, fmt.Sprintf("limit=%d ", *after.AdvisedLimit)) {
		t.Error("there is no advice")
	}
	if said := pastIsKept(t, s); !said("adopted") {
		t.Error("after a crash the adoption is no event")
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
	s.awaitCheck(0, "AVAILD OK: status: not started, the next client starts it")
	harness.Systemctl(t, "stop", s.Name+".socket")
	s.awaitCheck(2, "AVAILD CRITICAL: status: its sockets are stopped: clients are refused")
}

// pastIsKept: availd knows what the pool was like, also what it was like before a crash. It
// returns whether an event was said.
func pastIsKept(t *testing.T, s *service) (said func(event string) bool) {
	t.Helper()
	var d history.Document
	text := harness.MustRun(t, "curl", "-sS", "--unix-socket", "/run/availd/"+s.Name+"/control", "http://availd/history")
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	most := func(v history.Values) float32 { return slices.MaxFunc(v, cmp.Compare[float32]) }
	if busy, waiting := most(d.Hour.Busy.Max), most(d.Hour.Queue.Max); busy != 2 || waiting < 3 {
		t.Errorf("at most %v were busy, and %v waited, want 2 and 3 or more", busy, waiting)
	}
	said = func(event string) bool {
		return slices.ContainsFunc(d.Events, func(e history.Event) bool { return e.Event == event })
	}
	if !said("full") {
		t.Errorf("the events are %+v", d.Events)
	}
	return said
}

// mayNotLook: another user is told which socket is barred, and what to do.
func mayNotLook(t *testing.T, s *service) {
	t.Helper()
	for _, args := range [][]string{{"status"}, {"status", s.Name}, {"reload", s.Name}, {"upgrade", s.Name}} {
		out, err := harness.Run(append([]string{"setpriv", "--reuid=nobody", "--clear-groups", harness.Availd}, args...)...)
		if err == nil || !strings.Contains(out, "permission denied: /run/availd/status/control: ") {
			t.Errorf("nobody is told %q, %v by availd %q", out, err, args)
		}
	}
}
