package packaging

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// dashboard is what is looked at of Grafana's model.
type dashboard struct {
	Panels     []dashboardPanel
	Templating struct {
		List []struct {
			Name, Type, Definition string
			Query                  any
		}
	}
}

type dashboardPanel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               struct{ UID string }
	Targets                  []struct {
		Expr, LegendFormat string
		Datasource         struct{ UID string }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile("grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

var (
	variable = regexp.MustCompile(`\$\{?(\w+)`)
	byLabel  = regexp.MustCompile(`\{\{(\w+)\}\}`)
)

// TestDashboard holds the dashboard against the metrics: it asks for nothing that there is
// not. That Prometheus understands each expression is asked in the scenarios.
func TestDashboard(t *testing.T) {
	d, shown := readDashboard(t), shownMetrics()
	variables := map[string]bool{"__rate_interval": true}
	for _, v := range d.Templating.List {
		variables[v.Name] = true
		checkExpression(t, v.Definition, shown)
	}
	var all []string
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s has the number of another panel", p.Title)
		}
		ids[p.ID] = true
		if p.Type != "row" && (p.Description == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}") {
			t.Errorf("%s is not explained, asks for nothing, or asks another source than the one that is chosen", p.Title)
		}
		for _, q := range p.Targets {
			all = append(all, q.Expr)
			checkExpression(t, q.Expr, shown)
			for _, v := range variable.FindAllStringSubmatch(q.Expr, -1) {
				if !variables[v[1]] {
					t.Errorf("%s asks by $%s, which there is not", q.Expr, v[1])
				}
			}
			for _, label := range byLabel.FindAllStringSubmatch(q.LegendFormat, -1) {
				if !regexp.MustCompile(`by \([^)]*\b` + label[1] + `\b`).MatchString(q.Expr) {
					t.Errorf("%s has no label %s to show", q.Expr, label[1])
				}
			}
			for _, s := range selector.FindAllStringSubmatch(q.Expr, -1) {
				if !strings.HasPrefix(s[2], `job=~"$job",service=~"$service",instance=~"$instance"`) {
					t.Errorf("%s in %s is not of the services that are chosen", s[0], q.Expr)
				}
			}
		}
	}
	if len(all) < 30 {
		t.Errorf("it asks %d questions", len(all))
	}
	overlaps(t, d.Panels)
}

// overlaps: panels lie beside and below each other.
func overlaps(t *testing.T, panels []dashboardPanel) {
	t.Helper()
	taken := map[string]string{}
	for _, p := range panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				at := fmt.Sprintf("%d/%d", x, y)
				if other := taken[at]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %s at %s", p.Title, other, at)
				}
				taken[at] = p.Title
			}
		}
	}
}
