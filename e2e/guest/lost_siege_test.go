//go:build e2e

package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
)

// A siege is what the scenarios about loss have in common: eight clients that
// never pause and one whose requests take three seconds, from before the
// trouble until after it, while the workers are counted from outside.
type siege struct {
	s          *service
	limit      int
	begun      time.Time
	fast, slow *harness.Running
	sampler    *harness.Sampler
	restarts   int
}

// What the clients of a siege ask for.
const (
	besiegers = 8
	work      = 50 * time.Millisecond
	longWork  = 3 * time.Second
)

func sleepPath(d time.Duration) string { return fmt.Sprintf("/sleep?ms=%d", d.Milliseconds()) }

// fast is the worker that starts fast and costs little: the one in C.
var fast = []string{filepath.Join(harness.Workers, "http-c")}

// besiege returns when the clients are being served.
func (s *service) besiege(limit int) *siege {
	s.t.Helper()
	return s.besiegeWith(limit, sleepPath(work), sleepPath(longWork))
}

// besiegeWith is besiege for workers that call the requests something else.
func (s *service) besiegeWith(limit int, work, longWork string) *siege {
	s.t.Helper()
	g := &siege{s: s, limit: limit, begun: time.Now(), sampler: s.Sample()}
	g.slow = s.load(1, longWork).Start()
	g.fast = s.load(besiegers, work).Start()
	g.more(50)
	g.restarts = s.ShowInt("NRestarts")
	return g
}

// more waits until so many further requests are over: the pool serves.
func (g *siege) more(n int) {
	g.s.t.Helper()
	harness.WaitFor(g.s.t, fmt.Sprint(n, " answers more"), 4*harness.Patience, more(g.fast, n))
}

// lift ends the siege, prints its figures, and fails the test when a request
// was lost or the limit was exceeded.
func (g *siege) lift() harness.Result {
	t := g.s.t
	t.Helper()
	quick, slow := g.fast.Stop(), g.slow.Stop()
	seen := g.sampler.Stop()
	t.Logf("%d clients, %.1f s: %v", besiegers, time.Since(g.begun).Seconds(), quick)
	t.Logf("1 client of long requests: %v", slow)
	t.Logf("workers: at most %d of %d, %d in all, %d looks; automatic restarts %d",
		seen.Max, g.limit, len(seen.Pids), seen.Looks, g.s.ShowInt("NRestarts")-g.restarts)
	if quick.Failed+slow.Failed != 0 || quick.OK == 0 || slow.OK == 0 {
		t.Errorf("requests were lost: %d, and %d long ones", quick.Failed, slow.Failed)
	}
	if seen.Max > g.limit {
		t.Errorf("%d workers at once, the limit is %d", seen.Max, g.limit)
	}
	return quick
}

// inPlace has the service run an availd of its own, which can be replaced.
func (p pool) inPlace() pool {
	availd := p.availd()
	p.service = append(p.service, "ExecStart=",
		fmt.Sprintf("ExecStart=%s run --config %s -- %s", availd, p.conf(), p.command[0]))
	return p
}

func (p pool) availd() string { return filepath.Join(filesRoot, p.name, "availd") }

// deploy puts a program at the place of the service's availd, as a package
// does: written beside it, then renamed.
func (s *service) deploy(from string) {
	s.t.Helper()
	program, err := os.ReadFile(from)
	if err != nil {
		s.t.Fatal(err)
	}
	s.replace("availd", program, 0o755)
}

// replace makes a file whole, under its name at once. What this process forks
// meanwhile would hold it open for writing until its own exec, and who executes
// the file would find it busy (ETXTBSY of execve(2)).
func (s *service) replace(name string, content []byte, mode os.FileMode) (path string) {
	s.t.Helper()
	path = filepath.Join(s.dir, name)
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	err := errors.Join(
		os.WriteFile(path+".new", content, mode),
		os.Chmod(path+".new", mode),
		os.Rename(path+".new", path))
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}

// fetch is one request that has to be answered.
func (s *service) fetch(path string) {
	s.t.Helper()
	if _, err := s.load(1, path).Get(); err != nil {
		s.t.Fatalf("%s: %v", s, err)
	}
}

// shoot kills a process that is there.
func shoot(t *testing.T, p harness.Process) {
	t.Helper()
	if p.PID <= 1 {
		t.Fatalf("pid %d is not to be killed", p.PID)
	}
	if err := unix.Kill(p.PID, unix.SIGKILL); err != nil {
		t.Errorf("kill pid %d: %v", p.PID, err)
	}
}

// workersNow are the pids of the workers.
func (s *service) workersNow() (pids []int) {
	for _, p := range s.Workers() {
		pids = append(pids, p.PID)
	}
	return pids
}

// allKept: none of the processes is gone.
func allKept(before, now []int) bool {
	return !slices.ContainsFunc(before, func(pid int) bool { return !slices.Contains(now, pid) })
}

// noneKept: all of the processes are gone.
func noneKept(before, now []int) bool {
	return !slices.ContainsFunc(before, func(pid int) bool { return slices.Contains(now, pid) })
}

// every calls f at that interval for a period.
func every(interval, period time.Duration, f func()) {
	turn := time.NewTicker(interval)
	defer turn.Stop()
	over := time.After(period)
	for {
		select {
		case <-over:
			return
		case <-turn.C:
			f()
		}
	}
}

// background runs a command of the machine and hands over how it went.
func background(args ...string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := harness.Run(args...)
		done <- err
	}()
	return done
}
