package rig

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Load is a closed loop of clients, run by the program load.
type Load struct {
	Program string // path of load
	Port    int    // of 127.0.0.1
	Clients int
	Request string        // what each client sends
	Answer  string        // what must be near the start of each answer
	For     time.Duration // 0: one request for each client
	// Apart has the clients in a session of their own, as systemd has each service.
	// The kernel shares processors between sessions, not processes (sched(7),
	// autogroup): otherwise clients wait for their turn among the workers. Programs
	// that take no longer than the clients themselves vary by half and more then.
	Apart bool
}

// Result is what came of a Load.
type Result struct {
	OK, Failed        int
	Elapsed           time.Duration // from the first connect to the last answer
	P50, P99, Slowest time.Duration
	CPU               time.Duration // of the clients, with what the kernel does on their behalf
}

// Rate is answers a second.
func (r Result) Rate() float64 { return float64(r.OK) / r.Elapsed.Seconds() }

// HTTP is a request for a path, and what a good answer begins with.
func HTTP(path string) (request, answer string) {
	return "GET " + path + " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", "200 OK"
}

// Run runs the load to its end.
func (l Load) Run(t testing.TB) Result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), l.Program, "127.0.0.1", strconv.Itoa(l.Port), strconv.Itoa(l.Clients),
		strconv.Itoa(int(l.For.Milliseconds())), l.Answer)
	cmd.Stdin = strings.NewReader(l.Request)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: l.Apart}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("load port %d: %v\n%s", l.Port, err, out)
	}
	var r Result
	var times [4]int64
	if _, err := fmt.Sscan(string(out), &r.OK, &r.Failed, &times[0], &times[1], &times[2], &times[3]); err != nil {
		t.Fatalf("load port %d: it says %q: %v", l.Port, out, err)
	}
	for i, to := range []*time.Duration{&r.Elapsed, &r.P50, &r.P99, &r.Slowest} {
		*to = time.Duration(times[i]) * time.Microsecond
	}
	r.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return r
}
