package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/availd/availd/internal/prose"
)

func ptr[T any](v T) *T { return &v }

func at(clock string) *time.Time {
	t, err := time.ParseInLocation(time.DateTime, "2026-03-04 "+clock, time.Local)
	if err != nil {
		panic(err)
	}
	return &t
}

// calm is a service of which everything is known and nothing is wrong.
func calm() Service {
	return Service{
		Name: "web", Version: "0.1.0", Unit: ptr("web.service"), MainPID: 7, Protocol: "notify",
		Limit: 50, Total: 3, Idle: 1, Busy: 2, StartedAt: *at("01:00:00"), Demand: Demand{Peak: 3},
		Sockets:  []Socket{{Name: "web.socket", Address: "127.0.0.1:8080", Queue: ptr(0), Backlog: ptr(4096)}},
		Counters: Counters{Requests: ptr(uint64(1042))},
		Workers: []Worker{
			{PID: 11, Generation: 3, State: "busy", Requests: ptr(uint64(12)), AgeSeconds: 4.26, BusySeconds: ptr(1.26), Memory: ptr(int64(129499136)), Status: "GET /"},
			{PID: 1234, Generation: 10, State: "idle", Requests: ptr(uint64(0)), AgeSeconds: 3661, Stress: true, Adopted: true},
		},
	}
}

// troubled is the opposite.
func troubled() Service {
	return Service{
		Name: "fcgi-application", Version: "0.1.0", MainPID: 8, Protocol: "notify", StartedAt: *at("03:15:01"), Limit: 0, Total: 4, Starting: 1, Retiring: 3, Draining: true,
		FullSince: at("03:10:05"), StressUntil: at("03:26:45"), ThrottledUntil: at("03:14:22"),
		ThrottleReason: ptr("worker exited with status 1"),
		Sockets:        []Socket{{Name: "a", Address: "/run/a", Queue: ptr(3), Backlog: ptr(8)}, {Name: "b", Address: "@b"}},
		Workers:        []Worker{{PID: 5, Generation: 1, State: "retiring", AgeSeconds: 0.04, Status: "reads a long list of numbers"}},
		LastFailure:    &Failure{At: *at("03:14:22"), Exit: ptr(1)},
		Demand:         Demand{Peak: 57, FullSeconds: 295, AdvisedLimit: ptr(57)},
		Warnings:       []string{"TasksMax= allows only 9 of 10 workers"},
	}
}

// shown is what write makes of a style.
func shown(t *testing.T, st Style, write func(io.Writer, Style) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, st); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func compare(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func tableOf(services ...Service) func(io.Writer, Style) error {
	return func(w io.Writer, st Style) error { return WriteTable(w, services, st) }
}

func TestWriteTable(t *testing.T) {
	long := calm()
	long.Name = "an-application-with-a-name-that-somebody-has-thought-about"
	for _, c := range []struct {
		name  string
		width int
		show  func(io.Writer, Style) error
		want  string
	}{
		{"none", 80, tableOf(), "no services of availd are running\n(for one that was started by hand: availd status /path/of/its/control)\n"},
		{"as wide as it gets", 0, tableOf(calm(), troubled()), `
NAME              BUSY  IDLE  TOTAL  LIMIT  QUEUE  OLDEST  REQUESTS  CONDITION
web               2     1     3      50     0      -       1042      ok
fcgi-application  0     0     4      none   ?      ?       -         FULL since 03:10:05, STRESS until 03:26:45, THROTTLED until 03:14:22, draining
`},
		{"without times", 103, tableOf(calm(), troubled()), `
NAME              BUSY  IDLE  TOTAL  LIMIT  QUEUE  OLDEST  REQUESTS  CONDITION
web               2     1     3      50     0      -       1042      ok
fcgi-application  0     0     4      none   ?      ?       -         FULL, STRESS, THROTTLED, draining
`},
		{"with shorter names", 80, tableOf(calm(), long), `
NAME                BUSY  IDLE  TOTAL  LIMIT  QUEUE  OLDEST  REQUESTS  CONDITION
web                 2     1     3      50     0      -       1042      ok
an-application-wi…  2     1     3      50     0      -       1042      ok
`},
		{"with all that there may be", 80, tableOf(long, troubled()), `
NAME          BUSY  IDLE  TOTAL  LIMIT  QUEUE  OLDEST  REQUESTS  CONDITION
an-applicat…  2     1     3      50     0      -       1042      ok
fcgi-applic…  0     0     4      none   ?      ?       -         FULL, STRESS, …
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			compare(t, shown(t, Style{Width: c.width}, c.show), strings.TrimPrefix(c.want, "\n"))
		})
	}
}

// TestHostileNames: what is shown may come from the service's user, and not its
// terminal's commands.
func TestHostileNames(t *testing.T) {
	s := calm()
	evil := "\x1b[2J\r\n\u009b31m"
	s.Name, s.Version, s.Protocol, s.Sockets[0].Address, s.Warnings = evil, evil, evil, evil, []string{evil}
	s.Workers[0].Status, s.Workers[0].State, s.ThrottleReason, s.ThrottledUntil = evil, evil, &evil, at("01:00:00")
	text := shown(t, Style{}, workersOf(s)) + shown(t, Style{Width: 80}, tableOf(s))
	_, line := Check([]Service{s}, []Trouble{{Unknown, evil}}, time.Second)
	for _, r := range strings.ReplaceAll(text, "\n", "") + line {
		if !unicode.IsPrint(r) {
			t.Fatalf("%q is shown in %q, %q", r, text, line)
		}
	}
}

func workersOf(s Service) func(io.Writer, Style) error {
	return func(w io.Writer, st Style) error { return WriteWorkers(w, s, *at("03:15:00"), st) }
}

func TestWriteWorkers(t *testing.T) {
	for _, c := range []struct {
		service Service
		width   int
		want    string
	}{
		{calm(), 0, `
web
  workers    2 busy, 1 idle, limit 50
             [##=...............................................]
  condition  ok
  socket     web.socket 127.0.0.1:8080, queue 0 of 4096
  24 hours   peak demand 3 workers
  availd     0.1.0, notify, pid 7, for 2h15m
  PID   GEN  STATE  FOR   REQUESTS  AGE   MEM     NOTE            STATUS
  11    3    busy   1.3s  12        4.2s  123.5M  -               GET /
  1234  10   idle   -     0         1h1m  -       stress,adopted
`},
		{troubled(), 61, `
fcgi-application
  workers    0 busy, 0 idle, 1 starting, 3 retiring, limit
             none
             [+---]
  condition  FULL since 03:10:05
             STRESS until 03:26:45
             THROTTLED until 03:14:22: worker exited with
             status 1
             draining
  socket     a /run/a, queue 3 of 8
  socket     b @b, queue ? of ?
  24 hours   peak demand 57 workers; full for 4m55s; limit=57
             would have sufficed
  failure    a worker exited with status 1, 38s ago at
             03:14:22
  warning    TasksMax= allows only 9 of 10 workers
  availd     0.1.0, notify, pid 8, for 0s
  PID  GEN  STATE     FOR  REQUESTS  AGE   MEM  NOTE  STATUS
  5    1    retiring  -    -         0.0s  -    -     reads …
`},
	} {
		t.Run(c.service.Name, func(t *testing.T) {
			compare(t, shown(t, Style{Width: c.width}, workersOf(c.service)), c.want[1:])
		})
	}
}

// TestNothingIsTooWide: whatever is shown, and however narrow the terminal.
func TestNothingIsTooWide(t *testing.T) {
	many := troubled()
	many.Limit, many.Busy, many.Total = 1000, 996, 1000
	for range 100 {
		many.Workers = append(many.Workers, calm().Workers...)
	}
	for width := 80; width < 200; width++ {
		for _, show := range []func(io.Writer, Style) error{tableOf(calm(), many, troubled()), workersOf(many), workersOf(calm())} {
			for line := range strings.Lines(shown(t, Style{Width: width}, show)) {
				if n := prose.Width(strings.TrimSuffix(line, "\n")); n > width {
					t.Fatalf("%d columns of %d: %q", n, width, line)
				}
			}
		}
	}
}

// TestColors: they change nothing but the colours.
func TestColors(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9]+m")
	for _, show := range []func(io.Writer, Style) error{tableOf(calm(), troubled()), workersOf(troubled())} {
		bare, painted := shown(t, Style{Width: 80}, show), shown(t, Style{Width: 80, Color: true}, show)
		compare(t, escape.ReplaceAllString(painted, ""), bare)
		if n := len(escape.FindAllString(painted, -1)); n == 0 || n%2 != 0 || strings.Contains(bare, "\x1b") {
			t.Errorf("%d colour changes:\n%q", n, painted)
		}
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		s    Service
		want string
	}{
		{Service{}, "[]"},
		{Service{Limit: 5}, "[.....]"},
		{Service{Limit: 5, Total: 5, Busy: 5}, "[#####]"},
		{Service{Limit: 8, Total: 5, Busy: 2, Idle: 1, Starting: 1, Retiring: 1}, "[##=+-...]"},
		{Service{Limit: 2, Total: 4, Busy: 3, Retiring: 1}, "[###-]"}, // the limit was lowered
		{Service{Total: 3, Idle: 3}, "[===]"},
		{Service{Limit: 100, Total: 100, Busy: 33, Idle: 33, Starting: 34}, "[######======+++++++]"},
		{Service{Limit: 1000, Total: 1000, Busy: 997, Idle: 1, Starting: 1, Retiring: 1}, "[################=+-]"},
		{Service{Limit: 1000, Total: 1, Busy: 1}, "[#..................]"},
	} {
		if got := bar(c.s, 21, Style{}); got != c.want {
			t.Errorf("%+v: %s, want %s", c.s, got, c.want)
		}
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 1260 * time.Millisecond: "1.2s", 59 * time.Second: "59s", 61 * time.Second: "1m1s",
		3661 * time.Second: "1h1m", 75 * time.Hour: "3d3h",
	} {
		if got := age(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// TestUnknownSumIsUnknown: a sum with an unknown part must not look like one
// without.
func TestUnknownSumIsUnknown(t *testing.T) {
	known := []Socket{{Queue: ptr(2)}, {Queue: ptr(3)}}
	if got := queue(known); got != "5" {
		t.Errorf("queue(2, 3) = %s", got)
	}
	if got := queue(append(known, Socket{})); got != "?" {
		t.Errorf("queue(2, 3, unknown) = %s", got)
	}
}

type fullDisk struct{}

var errFull = errors.New("no space")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrorIsTold(t *testing.T) {
	for name, err := range map[string]error{
		"empty": WriteTable(fullDisk{}, nil, Style{}), "table": WriteTable(fullDisk{}, []Service{calm()}, Style{}),
		"workers": WriteWorkers(fullDisk{}, calm(), time.Now(), Style{}),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestKeys: the keys are an interface, in this order, and what is unknown is
// null.
func TestKeys(t *testing.T) {
	const want = `{"name":"n","version":"","unit":null,"main_pid":0,"started_at":"2026-03-04T01:02:03Z","protocol":"","limit":0,` +
		`"total":0,"starting":0,"idle":0,"busy":0,"retiring":0,"listening":false,"draining":false,"full_since":null,"unserved_since":null,` +
		`"throttled_until":null,"throttle_reason":null,"stress_until":null,"last_failure":{"at":"2026-03-04T01:02:03Z","exit":1,"signal":null},` +
		`"demand":{"peak":0,"full_s":0,"advised_limit":null},"template":null,"set":[],"warnings":[],` +
		`"sockets":[{"name":"","address":"","queue":null,"backlog":null,"oldest_wait_s":null,"oldest_wait_lower_bound":false,"drops":null,"fault":null}],` +
		`"counters":{"spawned":0,"spawn_failures":0,"exited":0,"bad_starts":0,"killed":0,"requests":null,"limit_reached":0,"throttles":0,` +
		`"stress_episodes":0,"rejected_reports":0,"rejected_connections":0,"unknown_exits":0,"adopted":0,"abandoned":0,"template_failures":0,"slow":0,"too_large":0},"request_times":null,` +
		`"workers":[{"pid":0,"generation":0,"state":"","requests":null,"busy_s":null,"doing":null,"age_s":0,"memory_bytes":null,"stress":false,"adopted":false,"status":""}]}`
	when := time.Date(2026, 3, 4, 1, 2, 3, 0, time.UTC)
	s := Service{
		Name: "n", StartedAt: when, LastFailure: &Failure{At: when, Exit: ptr(1)}, Set: []Set{}, Warnings: []string{},
		Sockets: []Socket{{}}, Workers: []Worker{{}},
	}
	got, err := json.Marshal(s)
	if err != nil || string(got) != want {
		t.Errorf("error %v, got:\n%s\nwant:\n%s", err, strings.ReplaceAll(string(got), ",\"", ",\n\""), want)
	}
	var back Service
	if err := json.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, s) {
		t.Errorf("read back: error %v, %+v", err, back)
	}
}
