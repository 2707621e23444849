//go:build e2e

package guest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// The journal is asked for events and fields, as an administrator asks for them: texts
// are for people, and may be changed.

// message is one of the journal, with all its fields.
type message map[string]any

func (m message) text(field string) string { s, _ := m[field].(string); return s }

// second is the time since boot at which journald took it.
func (m message) second(t testing.TB) float64 {
	t.Helper()
	µs, err := strconv.ParseInt(m.text("__MONOTONIC_TIMESTAMP"), 10, 64)
	if err != nil {
		t.Fatalf("read the time of a message: %v", err)
	}
	return (time.Duration(µs) * time.Microsecond).Seconds()
}

// matching are the messages of the service that have fields, as "AVAILD_SIGNAL=SIGKILL";
// oldest first.
func (s *service) matching(fields ...string) (all []message) {
	s.t.Helper()
	_, _ = harness.Run("journalctl", "--sync")
	args := append([]string{"journalctl", "--quiet", "--no-pager", "--output=json", "AVAILD_SERVICE=" + s.Name}, fields...)
	for _, line := range splitLines(harness.MustRun(s.t, args...)) {
		var m message
		if line == "" {
			continue
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			s.t.Fatalf("read %q: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

// events are the messages of one row of the table, as far as they are written.
func (s *service) events(m *event.Message, fields ...string) []message {
	s.t.Helper()
	fields = append(fields, "AVAILD_EVENT="+m.Event)
	if m.Reason != "" {
		fields = append(fields, "AVAILD_REASON="+m.Reason)
	}
	return s.matching(fields...)
}

// awaitEvents waits until there are so many.
func (s *service) awaitEvents(times int, m *event.Message, fields ...string) (all []message) {
	s.t.Helper()
	what := fmt.Sprintf("%d messages %s %s %q", times, m.Event, m.Reason, fields)
	harness.WaitFor(s.t, what, harness.Patience, seldom(func() bool {
		all = s.events(m, fields...)
		return len(all) >= times
	}))
	return all
}

// expectEvents is for messages that come so many times in a scenario: it waits for them,
// and more are one too many. Those that the journal was spared count.
func (s *service) expectEvents(times int, m *event.Message, fields ...string) {
	s.t.Helper()
	what := fmt.Sprintf("%d messages %s %s %q", times, m.Event, m.Reason, fields)
	n := 0
	harness.WaitFor(s.t, what, harness.Patience, seldom(func() bool {
		n = len(s.events(m, fields...)) + s.leftOut(m)
		return n >= times
	}))
	if n != times {
		s.t.Errorf("there were %d of %s", n, what)
	}
}

// leftOut is how many messages of an event were left out to keep the journal readable.
func (s *service) leftOut(m *event.Message) (sum int) {
	s.t.Helper()
	for _, said := range s.matching("AVAILD_KIND=" + m.Event) { // that line is of no event itself
		n, err := strconv.Atoi(said.text("AVAILD_LEFT_OUT"))
		if err != nil {
			s.t.Fatalf("messages left out: %v", err)
		}
		sum += n
	}
	return sum
}

// reason is a field of the journal, for messages that quote a cause of the table.
func reason(p event.Phrase) string { return "AVAILD_REASON=" + p.Name }
