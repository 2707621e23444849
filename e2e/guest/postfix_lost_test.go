//go:build e2e

package guest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// lasting keeps Postfix from ending its daemons by itself.
var lasting = []string{"-o", "max_use=100000", "-o", "max_idle=1h"}

// settle ends the posters: whatever they handed over has to arrive.
func (p *posters) settle(t *testing.T) {
	t.Helper()
	p.leave(t, 0)
	awaitDelivered(t, p.box, p.ok)
}

// postfixKill kills availd again and again, as soon as it is there and when it has
// run for a while, while clients send mail: nothing is refused or lost, and no daemon
// notices.
func postfixKill(t *testing.T) {
	const limit, kills = 3, 10
	s := smtpd(t, "smtpd-kill", harness.Availd, []string{"limit=3", "stress=off"}, lasting...)
	sampler := s.Sample()
	p := s.posters(5, "lost")
	p.more(t, 20)
	before, last := s.workersNow(), 0
	for i := range kills {
		harness.WaitFor(t, "another availd", harness.Patience, func() bool {
			main := s.Main()
			return main.PID != 0 && main.PID != last && main.Alive()
		})
		if i%2 == 0 {
			p.more(t, 50)
		}
		main := s.Main()
		shoot(t, main)
		last = main.PID
	}
	p.more(t, 20)
	p.settle(t)
	if now := s.workersNow(); !allKept(before, now) {
		t.Errorf("daemons noticed: they were %v and are %v", before, now)
	}
	seen := sampler.Stop()
	if t.Logf("%d SIGKILLs of availd; at most %d daemons", kills, seen.Max); seen.Max > limit {
		t.Errorf("%d daemons, the limit is %d", seen.Max, limit)
	}
	s.await("the last availd", func(status.Service) bool { return true })
	if st := s.state(); st.Counters.BadStarts != 0 || st.Counters.RejectedReports != 0 || st.Retiring != 0 || st.Total > limit {
		t.Errorf("%+v", st)
	}
}

// postfixDeploy reloads, upgrades, restarts and stops while clients send mail.
func postfixDeploy(t *testing.T) {
	before := delivered("one")
	name := "smtpd-deploy"
	own := filepath.Join(filesRoot, name, "availd")
	s := smtpd(t, name, own, []string{"limit=3", "stress=off"}, lasting...)
	s.deploy(harness.Availd)
	p := s.posters(5, "one")
	p.more(t, 10)
	for i := range 5 {
		kept := s.workersNow()
		next := versions[(i+1)%2]
		s.deploy(next.path)
		if out := harness.MustRun(t, harness.Availd, "upgrade", name); !strings.Contains(out, " "+next.version+", ") {
			t.Errorf("availd upgrade says %q", out)
		}
		p.more(t, 5)
		if now := s.workersNow(); !allKept(kept, now) {
			t.Errorf("daemons noticed an upgrade: they were %v and are %v", kept, now)
		}
	}
	for range 4 {
		s.Reload()
		p.more(t, 5)
	}
	for _, how := range []func(){s.Restart, s.Stop, s.Stop} { // the next client starts it again
		how()
		p.more(t, 5)
	}
	p.leave(t, 0)
	awaitDelivered(t, "one", before+p.ok)
	if journal := s.Journal(); containsAny(journal, "panic") || len(s.events(event.ReportRejected)) > 0 || len(s.events(event.Throttled)) > 0 {
		t.Error("the journal has something to say")
	}
	t.Logf("%d mails through 5 upgrades, 4 reloads, a restart and 2 stops", p.ok)
}
