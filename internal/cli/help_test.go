package cli

import (
	"strings"
	"testing"

	"github.com/availd/availd/internal/config"
)

// TestFirstPage: the help begins with the common options, all of them on a terminal of 24
// lines.
func TestFirstPage(t *testing.T) {
	lines := strings.SplitN(runHelp(), "\n", 25)
	page, seen := strings.Join(lines[:24], "\n"), 0
	for _, o := range config.Options() {
		if shown := strings.Contains(page, "\n  --"+o.Name+" "); shown != o.Common {
			t.Errorf("--%s is on the first page: %t, want %t\n%s", o.Name, shown, o.Common, page)
		} else if shown {
			seen++
		}
	}
	if seen == 0 {
		t.Error("no option is on the first page")
	}
}
