package packaging

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/metrics"
	"github.com/availd/availd/internal/status"
)

// TestRules holds the alert rules against the metrics that there are; whether
// Prometheus understands the rest is asked in the scenarios.
func TestRules(t *testing.T) {
	text, err := os.ReadFile("availd.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	one := uint64(1)
	shown := string(metrics.Text(&status.Service{
		Name: "web", Limit: 1, Counters: status.Counters{Requests: &one},
		Measures: status.Measures{Requests: &status.Histogram{}, Starts: &status.Histogram{}},
	}))
	var alerts []string
	name, selector := regexp.MustCompile(`availd_\w+`), regexp.MustCompile(`(availd_\w+)\{(\w+)=~?"([^"]+)"`)
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "- alert":
			alerts = append(alerts, value)
		case "expr":
			for _, m := range name.FindAllString(value, -1) {
				if !strings.Contains(shown, "\n"+m+"{") {
					t.Errorf("%s asks for %s, which there is not", value, m)
				}
			}
			for _, m := range selector.FindAllStringSubmatch(value, -1) {
				for _, word := range strings.Split(m[3], "|") {
					if series := m[1] + `{service="web",` + m[2] + `="` + word + `"}`; !strings.Contains(shown, "\n"+series+" ") {
						t.Errorf("%s asks for %s, which there is not", value, series)
					}
				}
			}
		}
	}
	want := []string{"AvaildFull", "AvaildThrottled", "AvaildStress", "AvaildBadStarts", "AvaildDown", "AvaildAbsent"}
	if !slices.Equal(alerts, want) {
		t.Errorf("alerts %q, want %q", alerts, want)
	}
}
