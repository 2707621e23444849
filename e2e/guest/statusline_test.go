//go:build e2e

package guest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
)

// statusLine is every STATUS= that availd sends while it serves, whole.
var statusLine = regexp.MustCompile(`^(\d+|\?) busy, (\d+|\?) idle(, [1-9]\d* unknown)?(, [1-9]\d* starting)?(, [1-9]\d* retiring)?, ` +
	`limit (none|[1-9]\d*) \| queue (\d+|\?)(, oldest (over )?[\dhm.]+m?s)? \| (\d+|-) requests` +
	`( \| WAITING since \d\d:\d\d:\d\d: no worker accepts)?( \| FULL since \d\d:\d\d:\d\d)?` +
	`( \| STRESS until \d\d:\d\d:\d\d)?` +
	`( \| THROTTLED until \d\d:\d\d:\d\d: .+?)?` +
	`( \| RELOAD \d+/\d+| \| RELOAD FAILED: .+?)?` +
	`( \| draining)?$`)

// awaitLine waits for a STATUS= with a text in it, and checks its form.
func (s *service) awaitLine(text string) string {
	s.t.Helper()
	return s.awaitStatus("say "+text, func(line string) bool { return strings.Contains(line, text) })
}

// awaitNoLine waits for a STATUS= without a text, and checks its form. What the control
// socket says already is in STATUS= when systemd has read it.
func (s *service) awaitNoLine(text string) string {
	s.t.Helper()
	return s.awaitStatus("say no more "+text, func(line string) bool { return !strings.Contains(line, text) })
}

func (s *service) awaitStatus(what string, is func(line string) bool) string {
	s.t.Helper()
	var line string
	harness.WaitFor(s.t, "STATUS= to "+what, harness.Patience, seldom(func() bool {
		line = s.Status()
		return is(line)
	}))
	return checkLine(s.t, line)
}

func checkLine(t *testing.T, line string) string {
	t.Helper()
	t.Logf("STATUS=%s", line)
	if !statusLine.MatchString(line) {
		t.Errorf("STATUS=%q is not of the form that is promised", line)
	}
	return line
}

func splitLines(text string) []string { return strings.Split(text, "\n") }

func containsAny(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}
