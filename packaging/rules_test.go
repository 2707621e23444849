package packaging

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/internal/status"
)

// shownMetrics are all that there are, of a service of which everything is known.
func shownMetrics() string {
	one, age := uint64(1), 0.1
	size := int64(1)
	return string(status.Metrics(&status.Service{
		Name: "web", Limit: 1, Sockets: []status.Socket{{Name: "web.socket", Queue: new(1), Drops: &one, OldestWait: &age}}, Counters: status.Counters{Requests: &one},
		Template: &status.Template{MeanFork: &age, WorkerMemory: &size},
		Measures: status.Measures{Requests: &state.Histogram{}, Starts: &state.Histogram{}, Waits: &state.Histogram{}},
	}))
}

var (
	metricName = regexp.MustCompile(`\bavaild_\w+`)
	selector   = regexp.MustCompile(`(availd_\w+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`(\w+)(=~?|!=|!~)"([^"]*)"`)
)

// scraped are the labels that Prometheus adds.
var scraped = []string{"job", "instance"}

// checkExpression holds an expression against the metrics that there are: their names,
// labels, and the values of labels that it names.
func checkExpression(t *testing.T, expression, shown string) {
	t.Helper()
	for _, m := range metricName.FindAllString(expression, -1) {
		if !strings.Contains(shown, "\n"+m+"{") {
			t.Errorf("%s asks for %s, which there is not", expression, m)
		}
	}
	for _, s := range selector.FindAllStringSubmatch(expression, -1) {
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if slices.Contains(scraped, m[1]) || m[1] == "service" {
				continue
			}
			for _, word := range strings.Split(m[3], "|") {
				if series := s[1] + `{service="web",` + m[1] + `="` + word + `"}`; !strings.Contains(shown, "\n"+series+" ") {
					t.Errorf("%s asks for %s, which there is not", expression, series)
				}
			}
		}
	}
}

// TestRules holds the alert rules against the metrics that there are; whether
// Prometheus understands the rest is asked in the scenarios.
func TestRules(t *testing.T) {
	text, err := os.ReadFile("availd.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	shown := shownMetrics()
	var alerts []string
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "- alert":
			alerts = append(alerts, value)
		case "expr":
			checkExpression(t, value, shown)
		}
	}
	want := []string{
		"AvaildFull", "AvaildClientsWait", "AvaildUnserved", "AvaildSocketFaulty", "AvaildDrops", "AvaildThrottled", "AvaildStress", "AvaildBadStarts",
		"AvaildSlowRequests", "AvaildTemplateFails", "AvaildDown", "AvaildAbsent",
	}
	if !slices.Equal(alerts, want) {
		t.Errorf("alerts %q, want %q", alerts, want)
	}
}
