package man

import (
	"regexp"
	"slices"
	"testing"

	"github.com/availd/availd/internal/status"
)

// TestMetrics compares the page with what is shown, both ways and in order.
func TestMetrics(t *testing.T) {
	var named []string
	for _, m := range regexp.MustCompile(`(?m)^\.It Li (availd_\w+)$`).FindAllStringSubmatch(section(t, "availd-status.1", "METRICS"), -1) {
		named = append(named, m[1])
	}
	if !slices.Equal(named, status.MetricNames()) {
		t.Errorf("the page has %q, and there are %q", named, status.MetricNames())
	}
}
