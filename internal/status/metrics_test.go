package status

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/state"
)

// web is a service about which everything is known.
func web() *Service {
	s := &Service{
		Name: "web", Version: "0.1.0", Limit: 50, Total: 13, Idle: 3, Busy: 9, Starting: 1,
		StressUntil: ptr(time.Now()),
		Sockets: []Socket{
			{Name: "web.socket", Queue: ptr(2), Drops: ptr(uint64(3)), OldestWait: ptr(0.25)},
			{Name: "web.socket", Queue: ptr(5), Drops: ptr(uint64(4)), OldestWait: ptr(1.5)},
			{Name: "other", Queue: ptr(0), OldestWait: ptr(0.0), Fault: ptr(NotListening)},
		},
		Counters: Counters{Spawned: 20, Exited: 7, Requests: ptr(uint64(1042)), BadStarts: 1},
		Measures: Measures{Requests: &state.Histogram{}, Starts: &state.Histogram{}, Waits: &state.Histogram{}},
	}
	s.Template = &Template{PID: 7, Ready: true, Forks: 20, MeanFork: ptr(0.0015), LastFork: ptr(0.001), WorkerMemory: ptr(int64(1700000))}
	s.Measures.Exits[ExitClean], s.Measures.Exits[ExitKilled] = 5, 2
	for _, d := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 30 * time.Millisecond, time.Hour} {
		s.Measures.Requests.Observe(d)
	}
	return s
}

// TestText compares with a text that promtool has been shown (e2e does it for a
// real one). UPDATE_GOLDEN=1 writes it anew.
func TestText(t *testing.T) {
	const golden = "testdata/web.txt"
	got := Metrics(web())
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
	for line := range strings.Lines(string(Metrics(s))) {
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
	if !slices.Equal(seen, MetricNames()) {
		t.Errorf("shown are %q, and there are %q", seen, MetricNames())
	}
}

// TestUnknownIsAbsent: no number is better than a wrong one.
func TestUnknownIsAbsent(t *testing.T) {
	s := web()
	s.Limit, s.Counters.Requests, s.Measures.Requests, s.Measures.Starts, s.Measures.Waits = 0, nil, nil, nil, nil
	s.Sockets[1].Queue, s.Sockets[1].Drops, s.Sockets[1].OldestWait = nil, nil, nil // of the same name as the first
	s.Busy, s.Idle = UnknownCount, UnknownCount
	s.StressUntil = nil
	text := string(Metrics(s))
	for _, name := range []string{
		"availd_workers_limit", "availd_requests_total", "availd_request_duration_seconds", "availd_worker_start_seconds",
		"availd_queue_wait_seconds", `oldest_seconds{service="web",socket="web.socket"`,
		`queue_connections{service="web",socket="web.socket"`, `drops_total{service="web",socket="web.socket"`, `state="busy"`, `state="idle"`, "nil",
	} {
		if strings.Contains(text, name) {
			t.Errorf("there is %s in\n%s", name, text)
		}
	}
	for _, line := range []string{`availd_queue_connections{service="web",socket="other"} 0`, `availd_stress{service="web"} 0`, `availd_workers{service="web",state="unknown"} 12`} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no %s in\n%s", line, text)
		}
	}
}

func TestMerge(t *testing.T) {
	a, b := web(), web()
	a.Limit, b.Name = 0, "mail"
	merged := string(MergeMetrics(Metrics(a), Metrics(b), nil))
	for _, name := range MetricNames() {
		if n := strings.Count(merged, "# TYPE "+name+" "); n != 1 {
			t.Errorf("%s has %d heads", name, n)
		}
	}
	want := "# TYPE availd_stress gauge\navaild_stress{service=\"web\"} 1\navaild_stress{service=\"mail\"} 1\n# HELP"
	if !strings.Contains(merged, want) {
		t.Errorf("there is no %q in\n%s", want, merged)
	}
	if got := strings.Count(merged, "\n"); got != strings.Count(string(Metrics(a)), "\n")+strings.Count(string(Metrics(b)), "\n")-2*(len(MetricNames())-1) {
		t.Errorf("%d lines in\n%s", got, merged)
	}
	if one := Metrics(b); string(MergeMetrics(one)) != string(one) {
		t.Errorf("merged alone, a text becomes\n%s", MergeMetrics(one))
	}
}
