//go:build e2e

package guest

import (
	"context"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/status"
)

// knobbed is a worker that can be told to misbehave; its head says how.
//
//go:embed testdata/worker.py
var knobbed string

// service is an installed pool.
type service struct {
	*harness.Unit
	t    *testing.T
	addr string // of the first ListenStream=, when it is of 127.0.0.1
	dir  string // of its files, which every user may read
	conf string // the file of its options
	text string // of its service unit
}

// filesRoot is not below /tmp, of which services have one of their own.
const filesRoot = "/run/availd-guest"

// install writes the worker and the units, and starts the socket. prepare may
// change the folder before.
func (p pool) install(t *testing.T, prepare ...func(*service)) *service {
	t.Helper()
	if p.port == 0 {
		p.port = harness.Port()
	}
	s := &service{t: t, addr: harness.Addr(p.port), dir: filepath.Join(filesRoot, p.name), conf: p.conf()}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.dir) })
	if p.command == nil {
		p.command = []string{s.write("worker.py", knobbed), s.dir}
	}
	var socket string
	socket, s.text = p.units(t)
	for _, f := range prepare {
		f(s)
	}
	s.Unit = harness.Install(t, p.name, socket, s.text)
	return s
}

// write makes an executable file that every user may read.
func (s *service) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// configure replaces the options by these, each as on the command line. The
// protocol stays, as it cannot change.
func (s *service) configure(options ...string) {
	s.t.Helper()
	var lines strings.Builder
	for _, o := range append(slices.Clone(options), protocol) {
		lines.WriteString(strings.TrimPrefix(o, "--") + "\n")
	}
	s.write(filepath.Base(s.conf), lines.String())
}

// knob turns a knob of the workers to come.
func knob(name, value string) func(*service) { return func(s *service) { s.write(name, value) } }

func (s *service) unknob(name string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
		s.t.Fatal(err)
	}
}

// load is a closed loop of clients that request path.
func (s *service) load(clients int, path string) harness.Load {
	return harness.Load{URL: "http://" + s.addr + path, Clients: clients}
}

// get is one request that has to be answered.
func (s *service) get(path string) answer {
	s.t.Helper()
	body, err := s.load(1, path).Get()
	if err != nil {
		s.t.Fatalf("%s: %v", s, err)
	}
	return parse(s.t, body)
}

// answer is what the worker says of itself.
type answer struct {
	PID        int
	Generation uint64
	Args       []string
	Stress     string
	FDs, Names string
	Handed     map[string]string `json:"sd_listen_fds"`
}

func parse(t *testing.T, body string) answer {
	t.Helper()
	var a answer
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatalf("read the answer %q: %v", body, err)
	}
	return a
}

// requests runs the load until n requests are over.
func requests(t *testing.T, l harness.Load, n int) harness.Result {
	t.Helper()
	running := l.Start()
	harness.WaitFor(t, strconv.Itoa(n)+" answers", 4*harness.Patience, func() bool {
		ok, failed := running.Done()
		return ok+failed >= n
	})
	return allServed(t, running.Stop())
}

// allServed says how a load went, and that it lost nothing.
func allServed(t *testing.T, r harness.Result) harness.Result {
	t.Helper()
	t.Log(r)
	if r.Failed != 0 || r.OK == 0 {
		t.Errorf("requests were lost: %v", r)
	}
	return r
}

// ask is what availd status says; an error means that the service is not up.
func (s *service) ask() (status.Service, error) {
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	return control.Client{Path: filepath.Join("/run/availd", s.Name, "control")}.Status(ctx)
}

// state is ask of a service that is up.
func (s *service) state() status.Service {
	s.t.Helper()
	state, err := s.ask()
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// await waits until the service is up and in a state.
func (s *service) await(what string, is func(status.Service) bool) {
	s.t.Helper()
	harness.WaitFor(s.t, what, harness.Patience, seldom(func() bool {
		state, err := s.ask()
		return err == nil && is(state)
	}))
}

// empty waits for the end of the last worker.
func (s *service) empty() {
	s.t.Helper()
	harness.WaitFor(s.t, "no worker to be left", harness.Patience, func() bool { return len(s.Workers()) == 0 })
}

// said counts a text in the journal of the service, as far as it is written. It is for
// bounds from above: what has to be there is waited for by awaitSaid and expectSaid.
func (s *service) said(text string) int { return strings.Count(s.Journal(), text) }

// expectSaid is for messages that come so many times in a scenario: it waits for them,
// and more are one too many.
func (s *service) expectSaid(times int, text string) {
	s.t.Helper()
	if n := strings.Count(s.awaitTimes(times, text), text); n != times {
		s.t.Errorf("the journal says %q %d times, want %d", text, n, times)
	}
}

// awaitSaid waits for messages that all have to come, each in the journal once or more.
func (s *service) awaitSaid(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		s.awaitTimes(1, text)
	}
}

func (s *service) awaitTimes(times int, text string) (journal string) {
	s.t.Helper()
	return harness.AwaitJournal(s.t, s.Service(), text, times)
}

// times are the seconds since boot at which the journal says a text, which it has to do
// so many times at least.
func (s *service) times(atLeast int, text string) (at []float64) {
	s.t.Helper()
	for _, line := range splitLines(s.awaitTimes(atLeast, text)) {
		if m := journalStamp.FindStringSubmatch(line); m != nil && strings.Contains(line, text) {
			second, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				s.t.Fatal(err)
			}
			at = append(at, second)
		}
	}
	return at
}

var journalStamp = regexp.MustCompile(`^\[ *([0-9.]+)\]`)

// seldom looks ten times a second: for conditions that take a program to look
// at, of which many at once would take all CPUs.
func seldom(condition func() bool) func() bool {
	var last time.Time
	return func() bool {
		if time.Since(last) < 100*time.Millisecond {
			return false
		}
		last = time.Now()
		return condition()
	}
}
