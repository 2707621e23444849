//go:build e2e

package guest

import (
	"path/filepath"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// languages are the examples that people copy: options, and the words after "--".
var languages = map[string]struct{ options, command []string }{
	"http-perl":    {nil, []string{"http-perl/worker.pl"}},
	"http-ruby":    {[]string{"--template=worker"}, []string{"http-ruby/worker.rb"}},
	"http-asyncio": {nil, []string{"http-asyncio/worker.py", "2"}},
	"http-node":    {nil, []string{"http-node/with-reports", "/usr/bin/node", harness.Examples + "/http-node/worker.js", "2"}},
}

// TestLanguages: each example serves under load and through a reload without a
// request lost, and availd believes what it reports.
func TestLanguages(t *testing.T) {
	t.Parallel()
	for name, example := range languages {
		t.Run(name, func(t *testing.T) {
			words := append([]string{filepath.Join(harness.Examples, example.command[0])}, example.command[1:]...)
			s := pool{name: "lang-" + name, options: append([]string{"--limit=4"}, example.options...), command: words}.install(t, dropIns(t, name))
			g := s.besiegeWith(4, sleepPath(work), sleepPath(longWork/3))
			before := s.workersNow()
			s.Reload()
			harness.WaitFor(t, "the older workers to leave", 2*harness.Patience, func() bool { return noneKept(before, s.workersNow()) })
			g.more(50)
			g.lift()
			s.await("all to be idle", func(st status.Service) bool { return st.Busy == 0 && st.Starting == 0 && st.Idle > 0 })
			c := s.state().Counters
			t.Logf("%d requests, %d workers", *c.Requests, c.Spawned)
			if *c.Requests < 100 || c.RejectedReports != 0 || c.BadStarts != 0 || c.Killed != 0 {
				t.Errorf("%+v, %d requests", c, *c.Requests)
			}
		})
	}
}

// dropIns adds those of an example.
func dropIns(t *testing.T, example string) func(*service) {
	return func(s *service) {
		files, _ := filepath.Glob(filepath.Join(harness.Examples, example, example+".service.d", "*.conf"))
		for _, file := range files {
			s.text += "\n" + read(t, file)
		}
	}
}
