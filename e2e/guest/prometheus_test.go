//go:build e2e

package guest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// prometheus is a running one that scrapes, four times a second.
type prometheus struct {
	t    *testing.T
	addr string
}

// hasty makes minutes of the alert rules seconds.
var hasty = strings.NewReplacer("for: 5m", "for: 1s", "for: 1m", "for: 1s", "[1m:]", "[2s:250ms]", "[1m]", "[2s]")

// startPrometheus runs Debian's with the example's configuration and the alert
// rules of the package, both for a test's patience.
func startPrometheus(t *testing.T, target string) *prometheus {
	t.Helper()
	p := &prometheus{t, harness.Addr(harness.Port())}
	dir := t.TempDir()
	rules, config := filepath.Join(dir, "availd.rules.yml"), filepath.Join(dir, "prometheus.yml")
	lines := strings.NewReplacer("interval: 15s", "interval: 250ms", "127.0.0.1:9080", target, "- 127.0.0.1:9081", "",
		"/usr/share/doc/availd/availd.rules.yml", rules)
	for path, text := range map[string]string{
		rules:  hasty.Replace(read(t, harness.Rules)),
		config: lines.Replace(read(t, harness.Examples+"/prometheus/prometheus.yml")),
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	harness.MustRun(t, "promtool", "check", "config", config)
	daemon(t, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.addr)
	harness.WaitFor(t, "Prometheus", 2*harness.Patience, seldom(func() bool { _, err := p.get("/-/ready"); return err == nil }))
	return p
}

func (p *prometheus) get(path string) (string, error) {
	return harness.Load{URL: "http://" + p.addr + path}.Get()
}

// value is what the query gives, if it gives one series.
func (p *prometheus) value(query string) (float64, bool) {
	p.t.Helper()
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	text, err := p.get("/api/v1/query?query=" + url.QueryEscape(query))
	if err == nil {
		err = json.Unmarshal([]byte(text), &answer)
	}
	if err != nil {
		p.t.Fatalf("query %s: %v", query, err)
	}
	if len(answer.Data.Result) != 1 {
		return 0, false
	}
	v, err := strconv.ParseFloat(fmt.Sprint(answer.Data.Result[0].Value[1]), 64)
	return v, err == nil
}

// firing are the names of the alerts that fire.
func (p *prometheus) firing() []string {
	p.t.Helper()
	var answer struct {
		Data struct {
			Alerts []struct {
				State  string
				Labels map[string]string
			}
		}
	}
	text, err := p.get("/api/v1/alerts")
	if err == nil {
		err = json.Unmarshal([]byte(text), &answer)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	var names []string
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" {
			names = append(names, a.Labels["alertname"])
		}
	}
	return names
}

func (p *prometheus) awaitAlert(name string) {
	p.t.Helper()
	harness.WaitFor(p.t, name+" to fire", 2*harness.Patience, seldom(func() bool { return slices.Contains(p.firing(), name) }))
}

// TestPrometheus scrapes a service, agrees with its status, and raises alerts: it
// is full, it fails, clients wait, it is gone.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	monitoring := harness.Addr(harness.Port())
	s := pool{
		name: "prometheus", options: []string{"--limit=2", "--throttle=60s", "--stress=flag", "--status-listen=" + monitoring},
	}.install(t, own("status"))
	harness.MustRun(t, "promtool", "check", "rules", harness.Rules)
	requests(t, s.load(3, "/sleep?5"), 100)
	if out := mustScript(t, `curl -sS "$1" | promtool check metrics 2>&1`, "http://"+monitoring+"/metrics"); out != "" {
		t.Errorf("promtool says of the metrics:\n%s", out)
	}
	p := startPrometheus(t, monitoring)
	agree(t, p, s)
	// It was under stress a moment ago, and is at rest otherwise. Before the first
	// scrape there was no availd, and that alert may be late.
	harness.WaitFor(t, "AvaildStress alone", 2*harness.Patience, seldom(func() bool { return slices.Equal(p.firing(), []string{"AvaildStress"}) }))
	full := s.load(4, "/sleep?300").Start()
	p.awaitAlert("AvaildFull")
	allServed(t, full.Stop())
	dashboard(t, p)
	s.write("crash", "3")
	for _, w := range s.Workers() { // the next ones fail
		kill(t, w)
	}
	waiting := s.load(1, "/").Start()
	p.awaitAlert("AvaildThrottled")
	p.awaitAlert("AvaildBadStarts")
	p.awaitAlert("AvaildClientsWait")
	harness.Systemctl(t, "stop", s.Socket())
	p.awaitAlert("AvaildDown")
	waiting.Stop()
}

// dashboard asks all that the dashboard of the package asks: Prometheus understands it, and
// has an answer but where there are no templates.
func dashboard(t *testing.T, p *prometheus) {
	t.Helper()
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, harness.Grafana)), &d); err != nil {
		t.Fatal(err)
	}
	chosen := strings.NewReplacer("$job", "availd", "$service", "prometheus", "$instance", ".*", "$__rate_interval", "1m", "[1h]", "[1m]", "[1d]", "[1m]")
	asked := 0
	for _, panel := range d.Panels {
		for _, q := range panel.Targets {
			expression := chosen.Replace(q.Expr)
			asked++
			if n := p.series(expression); n == 0 && !strings.Contains(expression, "availd_template") && !strings.Contains(expression, "availd_worker_pss") {
				t.Errorf("%s: %s has no answer", panel.Title, expression)
			}
		}
	}
	t.Logf("the dashboard asks %d questions", asked)
	if asked < 30 {
		t.Errorf("it asks only %d questions", asked)
	}
}

// series is how many the query gives; one that Prometheus does not understand is a failure.
func (p *prometheus) series(query string) int {
	p.t.Helper()
	var answer struct {
		Status, Error string
		Data          struct{ Result []any }
	}
	text, err := harness.Load{URL: "http://" + p.addr + "/api/v1/query?query=" + url.QueryEscape(query)}.Get()
	if err == nil {
		err = json.Unmarshal([]byte(text), &answer)
	}
	if err != nil || answer.Status != "success" {
		p.t.Errorf("query %s: %v %s", query, err, answer.Error)
	}
	return len(answer.Data.Result)
}

// agree waits until Prometheus shows what the status says.
func agree(t *testing.T, p *prometheus, s *service) {
	t.Helper()
	var state status.Service
	s.await("rest", func(st status.Service) bool { state = st; return st.Busy == 0 && st.Starting == 0 })
	const service = `{service="prometheus",job="availd"`
	for query, want := range map[string]uint64{
		"availd_requests_total" + service + "}":                               *state.Counters.Requests,
		"availd_request_duration_seconds_count" + service + "}":               *state.Counters.Requests,
		"availd_workers_spawned_total" + service + "}":                        state.Counters.Spawned,
		"availd_worker_start_seconds_count" + service + "}":                   state.Counters.Spawned,
		"availd_workers" + service + `,state="idle"}`:                         uint64(state.Idle),
		"availd_workers_limit" + service + "}":                                2,
		"availd_limit_reached_total" + service + "}":                          state.Counters.LimitReached,
		"availd_queue_connections" + service + `,socket="prometheus.socket"}`: 0,
		"availd_build_info" + service + `,version="0.0.1"}`:                   1,
		"availd_throttled" + service + "}":                                    0,
	} {
		harness.WaitFor(t, fmt.Sprintf("%s to be %d", query, want), harness.Patience, seldom(func() bool {
			got, ok := p.value(query)
			return ok && got == float64(want)
		}))
	}
	t.Logf("%d requests by %d workers, as Prometheus has it too", *state.Counters.Requests, state.Counters.Spawned)
}
