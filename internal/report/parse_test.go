package report_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/worker"

	"github.com/availd/availd/internal/testutil"
)

// said is a message with nothing in it, changed by change.
func said(change func(m *report.Message)) report.Message {
	m := report.Message{Jobs: -1, Done: -1}
	change(&m)
	return m
}

func nothing(*report.Message) {}

func malformed(reason string) func(*report.Message) {
	return func(m *report.Message) { m.Malformed = reason }
}

const (
	badJobs = "X_AVAILD_JOBS is not a number from 0 to 1000000"
	badDone = "X_AVAILD_DONE is not a number from 0 to 1000000"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, datagram string
		want           func(m *report.Message)
	}{
		{"ready", "READY=1", func(m *report.Message) { m.Ready = true }},
		{"ready with a newline at the end", "READY=1\n", func(m *report.Message) { m.Ready = true }},
		{"ready after a status", "STATUS=up\nREADY=1\n", func(m *report.Message) { m.Status, m.HasStatus, m.Ready = "up", true, true }},
		{"one trailing NUL", "READY=1\x00", func(m *report.Message) { m.Ready = true }},
		{"not ready", "READY=0", nothing},
		{"busy", "X_AVAILD=busy", func(m *report.Message) { m.Avail = report.Busy }},
		{"idle with counts", "X_AVAILD=idle\nX_AVAILD_JOBS=0\nX_AVAILD_DONE=17\n", func(m *report.Message) { m.Avail, m.Jobs, m.Done = report.Idle, 0, 17 }},
		{"last availability counts", "X_AVAILD=busy\nREADY=1\nX_AVAILD=idle", func(m *report.Message) { m.Avail, m.Ready = report.Idle, true }},
		{"last count counts", "X_AVAILD_JOBS=rubbish\nX_AVAILD_JOBS=3", func(m *report.Message) { m.Jobs = 3 }},
		{"last ready counts", "READY=1\nREADY=0", nothing},
		{"other availability", "X_AVAILD=Busy", func(m *report.Message) { m.Avail = report.Nonsense }},
		{"empty availability", "X_AVAILD=", func(m *report.Message) { m.Avail = report.Nonsense }},
		{"watchdog", "WATCHDOG=1", func(m *report.Message) { m.Watchdog = true }},
		{"watchdog trigger", "WATCHDOG=trigger", func(m *report.Message) { m.Trigger = true }},
		{"stopping", "STOPPING=1", func(m *report.Message) { m.Stopping = true }},
		{"barrier", "BARRIER=1", func(m *report.Message) { m.Barrier = true }},
		{"unknown lines", "MAINPID=1\nX_OTHER=busy\nno assignment\n\n=\n", nothing},
		{"a name is not its prefix", "X_AVAILD_JOBS_MAX=5\nREADYX=1", nothing},
		{"value with an equals sign", "STATUS=a=b", func(m *report.Message) { m.Status, m.HasStatus = "a=b", true }},
		{"empty status", "STATUS=", func(m *report.Message) { m.HasStatus = true }},
		{"escape sequences in a status", "STATUS=\x1b[31mred\u202e\r\xff", func(m *report.Message) { m.Status, m.HasStatus = "?[31mred???", true }},
		{"most jobs", "X_AVAILD_JOBS=1000000", func(m *report.Message) { m.Jobs = 1000000 }},
		{"too many jobs", "X_AVAILD_JOBS=1000001\nREADY=1", malformed(badJobs)},
		{"negative jobs", "X_AVAILD_JOBS=-1", malformed(badJobs)},
		{"signed jobs", "X_AVAILD_JOBS=+1", malformed(badJobs)},
		{"no number of jobs", "X_AVAILD_JOBS=", malformed(badJobs)},
		{"overflowing done", "X_AVAILD_DONE=99999999999999999999\nX_AVAILD=busy", malformed(badDone)},
		{"fraction done", "X_AVAILD_DONE=1.5", malformed(badDone)},
		{"empty", "", malformed("empty")},
		{"NUL", "\x00", malformed("empty")},
		{"embedded NUL", "READY=1\x00X_AVAILD=idle", malformed("not text")},
		{"the largest", strings.Repeat("x", worker.MaxReport), nothing},
		{"too large", strings.Repeat("x", worker.MaxReport+1), malformed("longer than 4096 bytes")},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got report.Message
			report.Parse([]byte(test.datagram), &got)
			if want := said(test.want); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestParseForgetsTheLastMessageButNotTheSender(t *testing.T) {
	m := report.Message{PID: 7, UID: 8, Inode: 9}
	report.Parse([]byte("READY=1\nSTATUS=x\nX_AVAILD_JOBS=4\nX_AVAILD=busy"), &m)
	report.Parse([]byte("X=y"), &m)
	if want := (report.Message{PID: 7, UID: 8, Inode: 9, Jobs: -1, Done: -1}); m != want {
		t.Errorf("got %+v, want %+v", m, want)
	}
}

func TestStatusIsCutBetweenCharacters(t *testing.T) {
	var m report.Message
	report.Parse([]byte("STATUS=a"+strings.Repeat("é", 200)), &m)
	if want := "a" + strings.Repeat("é", 127); m.Status != want {
		t.Errorf("got %d bytes %q, want %d", len(m.Status), m.Status, len(want))
	}
}

func FuzzParse(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add([]byte("READY=1\nSTATUS=ok\nX_AVAILD=busy\nX_AVAILD_JOBS=3\nX_AVAILD_DONE=4"))
	f.Add([]byte("WATCHDOG=1\nWATCHDOG=trigger\nBARRIER=1\nSTOPPING=1"))
	f.Add([]byte("STATUS=\xff\x1b\u202e\nX_AVAILD=\n=\n\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again report.Message
		report.Parse(b, &m)
		report.Parse(b, &again)
		if m != again {
			t.Fatalf("one datagram, two messages: %+v, %+v", m, again)
		}
		checkMessage(t, m)
	})
}

func checkMessage(t *testing.T, m report.Message) {
	if m.Malformed != "" && m != said(malformed(m.Malformed)) {
		t.Errorf("malformed, and yet something is said: %+v", m)
	}
	if m.Jobs < -1 || m.Jobs > 1e6 || m.Done < -1 || m.Done > 1e6 {
		t.Errorf("counts out of range: %+v", m)
	}
	if len(m.Status) > worker.MaxStatus || !utf8.ValidString(m.Status) ||
		strings.ContainsFunc(m.Status, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("status is not printable or too long: %q", m.Status)
	}
	if m.Watchdog && m.Trigger {
		t.Errorf("one WATCHDOG= line counted twice: %+v", m)
	}
}
