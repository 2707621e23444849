//go:build e2e

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// silent is the service of an example whose program does not report. Its availd
// can be replaced.
func silent(t *testing.T, name, address string, prepare func(*service), options ...string) *service {
	t.Helper()
	s := inetdFiles(t, name)
	prepare(s)
	unit := read(t, filepath.Join(harness.Examples, name, name+".service"))
	_, command, _ := strings.Cut(unit, "ExecStart=/usr/bin/availd ")
	command, _, _ = strings.Cut(command, "\n")
	own := filepath.Join(s.dir, "availd")
	command = strings.Replace(command, filepath.Join("/etc/availd", name+".conf"), s.conf, 1)
	s.deploy(harness.Availd)
	if address == "" {
		address = s.addr
	}
	s.installExample(address, "ExecStart=", "ExecStart="+own+" "+command)
	// Each has to be caught between two requests of clients that never pause, which takes
	// the longer, the more else the machine has to do.
	s.option(append(options, "--stop-timeout=3m")...)
	return s
}

// option adds options to those of the example.
func (s *service) option(options ...string) {
	s.t.Helper()
	f, err := os.OpenFile(s.conf, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for _, o := range options {
		fmt.Fprintln(f, strings.TrimPrefix(o, "--"))
	}
}

// unknown checks that what nobody can know is shown as unknown.
func (s *service) unknown(protocol string) {
	s.t.Helper()
	now := s.state()
	if now.Protocol != protocol || now.Counters.Requests != nil {
		s.t.Errorf("protocol %s, requests %v", now.Protocol, now.Counters.Requests)
	}
	if len(now.Sockets) != 1 || now.Sockets[0].Queue == nil || now.Sockets[0].Backlog == nil {
		s.t.Errorf("the queue is not known: %+v", now.Sockets)
	}
	for _, w := range now.Workers {
		if w.Requests != nil || w.State == "busy" || w.State == "idle" {
			s.t.Errorf("a worker that does not report: %+v", w)
		}
	}
	if text := s.Status(); !strings.Contains(text, " | - requests") {
		s.t.Errorf("the status says %q", text)
	}
}

// grows lets many clients in, then few, then none: the pool follows, and nobody
// is lost. It ends with the pool empty.
func (s *service) grows(many harness.Load, atLeast, light int) {
	t := s.t
	t.Helper()
	running := many.Start()
	s.await(fmt.Sprint("a pool of ", atLeast), func(st status.Service) bool { return st.Total >= atLeast })
	harness.WaitFor(t, "200 answers", 4*harness.Patience, more(running, 200))
	s.unknown(s.state().Protocol)
	most := s.state().Total
	allServed(t, running.Stop())
	few := many
	few.Clients = 1
	asked := 0
	harness.WaitFor(t, fmt.Sprintf("at most %d workers for one client", light), 3*harness.Patience, seldom(func() bool {
		if _, err := few.Get(); err != nil {
			t.Errorf("request %d of one client: %v", asked, err)
		}
		asked++
		st, err := s.ask()
		return err == nil && st.Total <= light
	}))
	s.await("an empty pool", func(st status.Service) bool { return st.Total == 0 })
	c := s.state().Counters
	t.Logf("%d workers for %d clients, at most %d for one that asked %d times, then none; %d starts in all", most, many.Clients, light, asked, c.Spawned)
	if c.BadStarts != 0 || c.Throttles != 0 {
		t.Errorf("bad starts %d, pauses %d", c.BadStarts, c.Throttles)
	}
}

// deploys does to a service under load what administrators do, and worse:
// nothing is lost. It leaves the pool running. Each is done twice, as the second finds
// what the first has left; that many of them lose nothing either is for the scenarios of
// the examples (TestLostReload, TestLostUpgrade, TestLostKill), which cost less.
func (s *service) deploys(load harness.Load) {
	t := s.t
	t.Helper()
	running := load.Start()
	served := func(n int) {
		t.Helper()
		harness.WaitFor(t, fmt.Sprint(n, " answers"), 4*harness.Patience, more(running, n))
	}
	served(50)
	for range 2 {
		s.Reload()
		served(20)
	}
	for i := range 2 {
		next := versions[(i+1)%2]
		s.deploy(next.path)
		if out := harness.MustRun(t, harness.Availd, "upgrade", s.Name); !strings.Contains(out, " "+next.version+", ") {
			t.Errorf("availd upgrade says %q", out)
		}
		served(20)
	}
	for range 2 {
		main := s.Main()
		shoot(t, main)
		s.awaitAnother(main)
		served(20)
	}
	begin := time.Now()
	s.Restart()
	took := time.Since(begin)
	served(20)
	t.Logf("2 reloads, 2 upgrades, 2 SIGKILLs of availd, a restart of %v", took.Round(time.Millisecond))
	r := running.Stop()
	t.Log(r)
	allServed(t, r)
	if c := s.state().Counters; c.BadStarts != 0 || c.Throttles != 0 {
		t.Errorf("bad starts %d, pauses %d", c.BadStarts, c.Throttles)
	}
}
