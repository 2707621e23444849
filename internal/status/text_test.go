package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
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
		Limit: 50, Total: 3, Idle: 1, Busy: 2,
		Sockets:  []Socket{{Name: "web.socket", Address: "127.0.0.1:8080", Queue: ptr(0), Backlog: ptr(4096)}},
		Counters: Counters{Requests: ptr(uint64(1042))},
		Workers: []Worker{
			{PID: 11, Generation: 3, State: "busy", Requests: ptr(uint64(12)), AgeSeconds: 4.26, Status: "GET /"},
			{PID: 1234, Generation: 10, State: "idle", Requests: ptr(uint64(0)), AgeSeconds: 3661, Stress: true},
		},
	}
}

// troubled is the opposite.
func troubled() Service {
	return Service{
		Name: "fcgi-application", Limit: 0, Total: 4, Starting: 1, Retiring: 3, Draining: true,
		FullSince: at("03:10:05"), StressUntil: at("03:26:45"), ThrottledUntil: at("03:14:22"),
		ThrottleReason: ptr("worker exited with status 1"),
		Sockets:        []Socket{{Name: "a", Address: "/run/a", Queue: ptr(3), Backlog: ptr(8)}, {Name: "b", Address: "@b"}},
		Workers:        []Worker{{PID: 5, Generation: 1, State: "retiring", AgeSeconds: 0.04}},
	}
}

func TestWriteTable(t *testing.T) {
	for _, c := range []struct {
		name     string
		services []Service
		want     string
	}{
		{"none", nil, "no services of availd are running\n"},
		{"several", []Service{calm(), troubled()}, `
NAME              BUSY  IDLE  TOTAL  LIMIT  QUEUE  REQUESTS  CONDITION
web               2     1     3      50     0      1042      ok
fcgi-application  0     0     4      none   ?      -         FULL since 03:10:05, STRESS until 03:26:45, THROTTLED until 03:14:22, draining
`[1:]},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteTable(&b, c.services); err != nil || b.String() != c.want {
				t.Errorf("error %v, got:\n%s\nwant:\n%s", err, &b, c.want)
			}
		})
	}
}

func TestWriteWorkers(t *testing.T) {
	for _, c := range []struct {
		service Service
		want    string
	}{
		{calm(), `
web  2 busy, 1 idle, 0 starting, 0 retiring, limit 50  ok
  socket web.socket  127.0.0.1:8080  queue 0 of 4096
  PID   GENERATION  STATE  REQUESTS  AGE     STRESS  STATUS
  11    3           busy   12        4.2s    -       GET /
  1234  10          idle   0         1h1m1s  yes
`[1:]},
		{troubled(), `
fcgi-application  0 busy, 0 idle, 1 starting, 3 retiring, limit none  FULL since 03:10:05, STRESS until 03:26:45, THROTTLED until 03:14:22, draining
  socket a  /run/a  queue 3 of 8
  socket b  @b  queue ? of ?
  throttled: worker exited with status 1
  PID  GENERATION  STATE     REQUESTS  AGE  STRESS  STATUS
  5    1           retiring  -         0s   -
`[1:]},
	} {
		t.Run(c.service.Name, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteWorkers(&b, c.service); err != nil || b.String() != c.want {
				t.Errorf("error %v, got:\n%s\nwant:\n%s", err, &b, c.want)
			}
		})
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
		"empty": WriteTable(fullDisk{}, nil), "table": WriteTable(fullDisk{}, []Service{calm()}),
		"workers": WriteWorkers(fullDisk{}, calm()),
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
		`"total":0,"starting":0,"idle":0,"busy":0,"retiring":0,"listening":false,"draining":false,"full_since":null,` +
		`"throttled_until":null,"throttle_reason":null,"stress_until":null,"last_failure":{"at":"2026-03-04T01:02:03Z","exit":1,"signal":null},` +
		`"sockets":[{"name":"","address":"","queue":null,"backlog":null}],` +
		`"counters":{"spawned":0,"spawn_failures":0,"exited":0,"bad_starts":0,"killed":0,"requests":null,"limit_reached":0,"throttles":0,` +
		`"stress_episodes":0,"rejected_reports":0,"rejected_connections":0,"unknown_exits":0,"adopted":0},` +
		`"workers":[{"pid":0,"generation":0,"state":"","requests":null,"age_s":0,"stress":false,"adopted":false,"status":""}]}`
	when := time.Date(2026, 3, 4, 1, 2, 3, 0, time.UTC)
	s := Service{
		Name: "n", StartedAt: when, LastFailure: &Failure{At: when, Exit: ptr(1)},
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
