package rig

import (
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/testutil"
)

// compile builds a C program of the benchmarks, or of the examples. flags are
// further ones of cc.
func compile(t *testing.T, source string, flags ...string) string {
	t.Helper()
	cc := testutil.Program(t, "cc")
	program := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(source), ".c"))
	flags = append(flags, "-O2", "-static", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-o", program, source, "-lm")
	out, err := exec.Command(cc, flags...).CombinedOutput()
	if err != nil {
		t.Fatalf("compile %s: %v\n%s", source, err, out)
	}
	return program
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// TestPrograms: all of them compile without a warning.
func TestPrograms(t *testing.T) {
	sources, err := filepath.Glob("../programs/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("programs %v: %v", sources, err)
	}
	for _, source := range sources {
		compile(t, source, "-fsyntax-only")
	}
}

// TestSmoke is a benchmark in small: a pool without a supervisor under load.
func TestSmoke(t *testing.T) {
	load, prefork, worker := compile(t, "../programs/load.c"), compile(t, "../programs/prefork.c"), compile(t, "../../../examples/http-c/worker.c")
	port := freePort(t)
	request, answer := HTTP("/sleep?ms=20")
	s := StartListening(t, port, nil, prefork, strconv.Itoa(port), "2", worker)
	s.AwaitWorkers(t, 2, func(p harness.Process) bool { return p.Exe() == worker })
	r := Load{Program: load, Port: port, Clients: 6, Request: request, Answer: answer}.Run(t)
	if r.OK != 6 || r.Failed != 0 || r.Slowest < 60*time.Millisecond || r.P50 > r.P99 || r.P99 > r.Slowest || r.Elapsed < r.Slowest {
		t.Errorf("6 requests of 20 ms on 2 workers: %+v", r)
	}
	meter := Measure(s.Process) // by now it has gone to sleep, which it does after its last fork
	if wrong := (Load{Program: load, Port: port, Clients: 1, Request: request, Answer: "404"}).Run(t); wrong.OK != 0 || wrong.Failed != 1 {
		t.Errorf("an answer that is none: %+v", wrong)
	}
	if r := (Load{Program: load, Port: port, Clients: 2, Request: request, Answer: answer, For: 100 * time.Millisecond}).Run(t); r.OK < 4 || r.Elapsed < 100*time.Millisecond {
		t.Errorf("2 clients for 100 ms: %+v", r)
	}
	if ran, wakeups := meter.Read(); ran != 0 || wakeups != 0 {
		t.Errorf("who waits for a signal ran %v in %d wake-ups", ran, wakeups)
	}
	if memory := s.Memory(); memory < 3*4096 || s.Anon() == 0 {
		t.Errorf("three processes use %d bytes", memory)
	}
	family := s.Family()
	s.Stop()
	for _, p := range family {
		harness.WaitFor(t, "the end of all", harness.Patience, func() bool { return !p.Alive() })
	}
	if Listens(port) {
		t.Error("the port is still taken")
	}
	if r := (Load{Program: load, Port: port, Clients: 2, Request: request, Answer: answer}).Run(t); r.Failed != 2 {
		t.Errorf("requests to nobody: %+v", r)
	}
}

// TestOpenLoad: arrivals do not wait for answers, times are counted from them, and the
// workers are seen from outside.
func TestOpenLoad(t *testing.T) {
	open, prefork, worker := compile(t, "../programs/open.c"), compile(t, "../programs/prefork.c"), compile(t, "../../../examples/http-c/worker.c")
	port := freePort(t)
	request, answer := HTTP("/sleep?ms=@@@@@")
	s := StartListening(t, port, nil, prefork, strconv.Itoa(port), "1", worker)
	s.AwaitWorkers(t, 1, func(p harness.Process) bool { return p.Exe() == worker })
	watch := s.Watch()
	load := Open{
		Program: open, To: harness.Addr(port), Seed: 1, Hold: 40 * time.Millisecond, Request: request, Answer: answer,
		Profile: []Segment{{250 * time.Millisecond, 100, 100}, {250 * time.Millisecond, 100, 0}},
	}
	running := load.Start(t)
	all, looks := Requests(running.Wait(t)), watch.Stop()
	if n := len(all); n < 15 || n > 65 || all.Failed() != 0 { // 37 on average
		t.Errorf("%d requests, %d failed", n, all.Failed())
	}
	// A second's work arrives within half of one, and one worker does it.
	if wait := all.Wait(100); wait < 200*time.Millisecond || all.MeanWait() > wait || all.Wait(50) > wait {
		t.Errorf("a request waited at most %v, %v on average", wait, all.MeanWait())
	}
	if last := all[len(all)-1]; last.Arrival > 500*time.Millisecond || !all.Waited(last.Arrival, last.Arrival+last.Wait()/2, 0) {
		t.Errorf("the last of %v did not wait", last)
	}
	if all.Waited(0, time.Hour, 0) || len(all.Between(0, 250*time.Millisecond)) < len(all)/2 {
		t.Error("waits or arrivals are where none were")
	}
	if begin := running.Begin; looks.Count(begin, Now()) != 1 || looks.Reached(1, begin) < 0 || looks.Reached(2, begin) >= 0 {
		t.Errorf("workers: %v", looks)
	}
	if again := Requests(load.Start(t).Wait(t)); len(again) != len(all) || again[0].Hold != all[0].Hold {
		t.Errorf("%d requests with the same seed, %d before", len(again), len(all))
	}
}

// TestOpenUnix: a Unix socket on which nobody listens any more.
func TestOpenUnix(t *testing.T) {
	open := compile(t, "../programs/open.c")
	load := Open{Program: open, To: filepath.Join(t.TempDir(), "none"), Hold: time.Millisecond, Request: "x", Profile: []Segment{{50 * time.Millisecond, 1000, 1000}}}
	if all := Requests(load.Start(t).Wait(t)); len(all) == 0 || all.Failed() != len(all) {
		t.Errorf("%d of %d requests to nobody failed", all.Failed(), len(all))
	}
}
