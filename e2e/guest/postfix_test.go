//go:build e2e

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// TestPostfix runs Debian's smtpd, unchanged, while Postfix's own master runs all
// other daemons.
func TestPostfix(t *testing.T) {
	t.Parallel()
	mailSystem(t)
	t.Run("try", postfixTried)
	t.Run("delivers", postfixDelivers)
	t.Run("stress", postfixStress)
	t.Run("limits", postfixLimits)
	t.Run("kill", postfixKill)
	t.Run("deploy", postfixDeploy)
}

// postfixDelivers: mail arrives, and a daemon has what its master would give it.
func postfixDelivers(t *testing.T) {
	s := smtpd(t, "smtpd-one", harness.Availd, []string{"limit=8", "stress=off"})
	atOnce(t, 40, 6, func(int) error { return s.mail("one") })
	awaitDelivered(t, "one", 40)
	m, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer m.conn.Close()
	s.await("that one alone to be busy", func(st status.Service) bool { return st.Busy == 1 })
	st := s.state()
	at := slices.IndexFunc(st.Workers, func(w status.Worker) bool { return w.State == "busy" })
	if at < 0 || st.Busy != 1 {
		t.Fatalf("nobody is busy, or too many are: %+v", st)
	}
	checkDaemon(t, st.Workers[at])
	if err := m.Quit(); err != nil {
		t.Error(err)
	}
	s.await("all to be idle", func(st status.Service) bool { return st.Busy == 0 && *st.Counters.Requests == 41 })
	if c := s.state().Counters; c.BadStarts != 0 || c.RejectedReports != 0 || c.Throttles != 0 || c.Spawned > 8 {
		t.Errorf("%+v", c)
	}
	before := s.workersNow()
	s.Reload()
	if err := s.mail("one"); err != nil {
		t.Errorf("after a reload: %v", err)
	}
	harness.WaitFor(t, "the older daemons to leave", harness.Patience, seldom(func() bool {
		return noneKept(before, s.workersNow()) || s.mail("one") != nil // the lock goes on with each client
	}))
	s.Stop()
	s.empty()
}

// checkDaemon looks at one smtpd from outside.
func checkDaemon(t *testing.T, w status.Worker) {
	t.Helper()
	p := harness.Process{PID: w.PID}
	fds := p.Descriptors()
	kinds := []string{"/dev/null", "", "", "pipe:", "pipe:", "socket:", "socket:"}
	for fd, kind := range kinds {
		if !strings.HasPrefix(fds[fd], kind) {
			t.Errorf("descriptor %d is %q, want %s", fd, fds[fd], kind)
		}
	}
	if got, _ := p.Getenv("GENERATION"); got != strconv.FormatUint(w.Generation, 8) {
		t.Errorf("GENERATION=%s, want %o", got, w.Generation)
	}
	if args := p.Args(); !slices.Contains(args, "stress=") {
		t.Errorf("arguments %q", args)
	}
	root, err := os.Readlink(fmt.Sprintf("/proc/%d/root", w.PID))
	if err != nil || root != "/var/spool/postfix" {
		t.Errorf("its root directory is %s, %v", root, err)
	}
	uid := mustScript(t, `id -u postfix`)
	if out := mustScript(t, `awk '$1 == "Uid:" { print $2 }' "/proc/$1/status"`, fmt.Sprint(w.PID)); out != uid {
		t.Errorf("it runs as user %s, want %s", out, uid)
	}
}

// postfixStress: with a limit of 3 the third smtpd is told of stress, and the older
// ones leave when their clients are done.
func postfixStress(t *testing.T) {
	s := smtpd(t, "smtpd-stress", harness.Availd, []string{"limit=3"})
	roster := s.roster()
	defer roster.close()
	var held []*mailer
	hold := func() {
		t.Helper()
		m, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, m)
		s.await("one more to be busy", func(st status.Service) bool { return int(st.Busy)+st.Retiring >= len(held) })
	}
	for range 3 {
		hold()
	}
	s.awaitEvents(1, event.StressBegins, "AVAILD_LIMIT=3")
	fourth := make(chan error, 1)
	go func() { fourth <- s.mail("stress") }()
	s.await("the fourth client to wait", func(st status.Service) bool {
		return len(st.Sockets) > 0 && st.Sockets[0].Queue != nil && *st.Sockets[0].Queue == 1
	})
	var older []int
	for _, w := range s.state().Workers {
		if w.Generation < 3 {
			older = append(older, w.PID)
		}
	}
	for i, m := range held { // who was asked to retire finishes what it does
		if err := m.send("stress"); err != nil {
			t.Errorf("session %d, begun before the stress: %v", i, err)
		}
		if err := m.Quit(); err != nil {
			t.Errorf("session %d: %v", i, err)
		}
	}
	if err := <-fourth; err != nil {
		t.Errorf("the client that waited: %v", err)
	}
	awaitDelivered(t, "stress", 4)
	harness.WaitFor(t, "the two older daemons to leave", harness.Patience, func() bool {
		return len(older) == 2 && noneKept(older, s.workersNow())
	})
	for _, e := range roster.all() {
		want := "stress="
		if e.generation >= 3 {
			want = "stress=yes"
		}
		if !slices.Contains(e.args, want) {
			t.Errorf("generation %d has %q, want %s", e.generation, e.args, want)
		}
	}
	if st := s.state(); st.StressUntil == nil || st.Counters.StressEpisodes != 1 || st.Counters.Killed != 0 {
		t.Errorf("%+v", st)
	}
}

// postfixLimits: Postfix's own max_use and max_idle are good ends.
func postfixLimits(t *testing.T) {
	s := smtpd(t, "smtpd-use", harness.Availd, []string{"limit=2", "idle-timeout=0"}, "-o", "max_use=3", "-o", "max_idle=2s")
	for range 12 {
		if err := s.mail("use"); err != nil {
			t.Fatal(err)
		}
	}
	awaitDelivered(t, "use", 12)
	s.await("max_idle", func(st status.Service) bool { return st.Total == 0 })
	c := s.state().Counters
	t.Logf("12 mails with max_use=3: %d daemons", c.Spawned)
	if c.Spawned < 4 || c.Exited != c.Spawned || c.BadStarts != 0 || c.Throttles != 0 || c.Killed != 0 || c.UnknownExits != 0 {
		t.Errorf("%+v", c)
	}
	if *c.Requests != 12 {
		t.Errorf("%d requests, want 12", *c.Requests)
	}
	if f := s.state().LastFailure; f != nil {
		t.Errorf("a failure: %+v", f)
	}
	if names, _ := filepath.Glob("/var/spool/postfix/pid/inet.smtpd-use"); len(names) != 1 {
		t.Error("the daemons have another name")
	}
}
