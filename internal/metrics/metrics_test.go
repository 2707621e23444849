package metrics

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/status"
)

func ptr[T any](v T) *T { return &v }

// web is a service about which everything is known.
func web() *status.Service {
	s := &status.Service{
		Name: "web", Version: "0.1.0", Limit: 50, Total: 13, Idle: 3, Busy: 9, Starting: 1,
		StressUntil: ptr(time.Now()),
		Sockets: []status.Socket{
			{Name: "web.socket", Queue: ptr(2)}, {Name: "web.socket", Queue: ptr(5)}, {Name: "other", Queue: ptr(0)},
		},
		Counters: status.Counters{Spawned: 20, Exited: 7, Requests: ptr(uint64(1042)), BadStarts: 1},
		Measures: status.Measures{Requests: &status.Histogram{}, Starts: &status.Histogram{}},
	}
	s.Measures.Exits[status.ExitClean], s.Measures.Exits[status.ExitKilled] = 5, 2
	for _, d := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 30 * time.Millisecond, time.Hour} {
		s.Measures.Requests.Observe(d)
	}
	return s
}

// TestText compares with a text that promtool has been shown (e2e does it for a
// real one). UPDATE_GOLDEN=1 writes it anew.
func TestText(t *testing.T) {
	const golden = "testdata/web.txt"
	got := Text(web())
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(got) != string(want) {
		t.Errorf("got\n%s\nwant (error %v)\n%s", got, err, want)
	}
}

// TestForm: every line is a comment that opens its name, or a series of the name
// that is open, with the service first and a number.
func TestForm(t *testing.T) {
	s := web()
	s.Name = "we\"b\\\n\xff"
	series := regexp.MustCompile(`^([a-z_]+)\{service="we\\"b\\\\\\n�"(,[a-z]+="[^"\\]*")*\} [0-9.e+-]+$`)
	open := ""
	var seen []string
	for line := range strings.Lines(string(Text(s))) {
		line = strings.TrimSuffix(line, "\n")
		if words := strings.Fields(line); words[0] == "#" {
			if words[1] == "HELP" {
				open, seen = words[2], append(seen, words[2])
			} else if words[1] != "TYPE" || words[2] != open || len(words) != 4 {
				t.Errorf("%s below the HELP of %s", line, open)
			}
			continue
		}
		m := series.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("%q has not the form of a series", line)
		} else if name := m[1]; name != open && !slices.Contains([]string{"_bucket", "_sum", "_count"}, strings.TrimPrefix(name, open)) {
			t.Errorf("%s below the HELP of %s", line, open)
		}
	}
	if !slices.Equal(seen, Names()) {
		t.Errorf("shown are %q, and there are %q", seen, Names())
	}
}

// TestUnknownIsAbsent: no number is better than a wrong one.
func TestUnknownIsAbsent(t *testing.T) {
	s := web()
	s.Limit, s.Counters.Requests, s.Measures.Requests, s.Measures.Starts = 0, nil, nil, nil
	s.Sockets[1].Queue = nil // of the same name as the first
	s.StressUntil = nil
	text := string(Text(s))
	for _, name := range []string{
		"availd_workers_limit", "availd_requests_total", "availd_request_duration_seconds", "availd_worker_start_seconds",
		`socket="web.socket"`, "nil",
	} {
		if strings.Contains(text, name) {
			t.Errorf("there is %s in\n%s", name, text)
		}
	}
	for _, line := range []string{`availd_queue_connections{service="web",socket="other"} 0`, `availd_stress{service="web"} 0`} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no %s in\n%s", line, text)
		}
	}
}

func TestMerge(t *testing.T) {
	a, b := web(), web()
	a.Limit, b.Name = 0, "mail"
	merged := string(Merge(Text(a), Text(b), nil))
	for _, name := range Names() {
		if n := strings.Count(merged, "# TYPE "+name+" "); n != 1 {
			t.Errorf("%s has %d heads", name, n)
		}
	}
	want := "# TYPE availd_stress gauge\navaild_stress{service=\"web\"} 1\navaild_stress{service=\"mail\"} 1\n# HELP"
	if !strings.Contains(merged, want) {
		t.Errorf("there is no %q in\n%s", want, merged)
	}
	if got := strings.Count(merged, "\n"); got != strings.Count(string(Text(a)), "\n")+strings.Count(string(Text(b)), "\n")-2*(len(Names())-1) {
		t.Errorf("%d lines in\n%s", got, merged)
	}
	if one := Text(b); string(Merge(one)) != string(one) {
		t.Errorf("merged alone, a text becomes\n%s", Merge(one))
	}
}
