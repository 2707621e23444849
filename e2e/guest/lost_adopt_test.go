//go:build e2e

package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// crash kills availd so many times, while the clients ask on.
func (g *siege) crash(times int) {
	g.s.t.Helper()
	for range times {
		main := g.s.Main()
		shoot(g.s.t, main)
		g.s.awaitAnother(main)
		g.more(30)
	}
}

// kept fails the test when workers are gone, or others came.
func (g *siege) kept(workers []int) {
	g.s.t.Helper()
	if now := g.s.workersNow(); !allKept(workers, now) || len(now) != len(workers) {
		g.s.t.Errorf("workers noticed: they were %v and are %v", workers, now)
	}
}

// TestLostStore: a descriptor store that is too small, or none. Workers are
// found by what is on record of them, or by what the control group shows.
func TestLostStore(t *testing.T) {
	for _, size := range []string{"0", "1", "3"} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			s := pool{
				name: "lost-store-" + size, options: []string{"--limit=4"}, command: fast,
				service: []string{"FileDescriptorStoreMax=" + size},
			}.install(t)
			g := s.besiege(4)
			s.await("a full pool", full(4))
			workers, last := s.workersNow(), s.youngest()
			if g.crash(5); size != "0" { // else nobody knows what they run, and they are rolled over
				g.kept(workers)
			}
			if now := s.state(); now.Total != 4 || now.Counters.Adopted == 0 {
				t.Errorf("%d workers are known, %d were adopted", now.Total, now.Counters.Adopted)
			}
			s.Reload() // reports are heard, generations go on
			s.replaced(last)
			g.more(30)
			g.lift()
		})
	}
}

// TestLostDirectory: no runtime directory, one that cannot be written, one
// whose socket is taken away.
func TestLostDirectory(t *testing.T) {
	for name, line := range map[string]string{
		"none": "RuntimeDirectory=", "unwritable": "RuntimeDirectoryMode=0500",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := pool{name: "lost-dir-" + name, options: []string{"--limit=4"}, command: fast, service: []string{line}}.install(t)
			g := s.besiege(4)
			workers := s.workersNow()
			if address, _ := s.Workers()[0].Getenv("NOTIFY_SOCKET"); !strings.HasPrefix(address, "@availd/") {
				t.Errorf("workers report to %q, want an abstract name", address)
			}
			g.crash(5)
			g.kept(workers)
			s.heard()
			g.lift()
			if name == "unwritable" {
				s.awaitEvents(1, event.NoControl)
			}
		})
	}
	t.Run("removed", func(t *testing.T) {
		t.Parallel()
		s := pool{name: "lost-dir-removed", options: []string{"--limit=4"}, command: fast}.install(t)
		g := s.besiege(4)
		workers := s.workersNow()
		g.crash(1)
		if err := os.Remove(filepath.Join("/run/availd", s.Name, "notify")); err != nil {
			t.Fatal(err)
		}
		g.crash(2)
		g.kept(workers)
		s.heard()
		last := s.youngest()
		s.Reload()
		s.replaced(last)
		g.lift()
	})
}

// heard waits until STATUS= counts requests on: reports arrive.
func (s *service) heard() {
	s.t.Helper()
	count := func() int {
		_, rest, _ := strings.Cut(s.Status(), " | queue ")
		_, rest, _ = strings.Cut(rest, " | ")
		text, _, _ := strings.Cut(rest, " requests")
		n, _ := strconv.Atoi(text)
		return n
	}
	before := count()
	harness.WaitFor(s.t, "STATUS= to count further requests", harness.Patience, seldom(func() bool { return count() > before }))
}

// daemonised is a worker that first leaves two processes behind, in a session
// and in a process group of their own, as careless programs do.
const daemonised = `#!PERL
use POSIX ();
if ($ENV{AVAILD_GENERATION} == 1) {
    for my $leave (sub { POSIX::setsid() }, sub { setpgrp(0, 0) }) {
        my $child = fork;
        if (!$child) {
            exit 0 if fork; # so that PID 1 becomes the parent
            $leave->();
            exec 'STRANGER', '1000';
        }
        waitpid $child, 0;
    }
}
exec 'WORKER';
`

// TestLostStrangers: other processes of the control group are no workers, and
// are left alone as long as the service runs.
func TestLostStrangers(t *testing.T) {
	for _, size := range []string{"0", "4096"} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			lostStrangers(t, "lost-strangers-"+size, size)
		})
	}
}

func lostStrangers(t *testing.T, name, size string) {
	dir := filepath.Join(filesRoot, name)
	// The sampler leaves out what has the name of availd.
	perl, stranger := filepath.Join(dir, "perl", "availd"), filepath.Join(dir, "sleep", "availd")
	s := pool{
		name: name, options: []string{"--limit=4"}, command: []string{filepath.Join(dir, "daemonised.pl")},
		service: []string{
			"FileDescriptorStoreMax=" + size,
			"ExecStartPost=", fmt.Sprintf("ExecStartPost=%s -e 'exit if fork; setpgrp(0,0); exec qw(%s 1000)'", perl, stranger),
		},
	}.install(t, func(s *service) {
		s.disguise("/usr/bin/perl", perl)
		s.disguise("/bin/sleep", stranger)
		words := strings.NewReplacer("PERL", perl, "STRANGER", stranger, "WORKER", fast[0])
		s.replace("daemonised.pl", []byte(words.Replace(daemonised)), 0o755)
	})
	g := s.besiege(4)
	s.await("a full pool", full(4))
	strangers, workers := s.strangers(stranger), s.workersNow()
	if len(strangers) != 3 {
		t.Fatalf("%d strangers, want 3: %v", len(strangers), s.Processes())
	}
	for i := range 3 {
		g.crash(1) // which starts another stranger
		if now := s.strangers(stranger); !allKept(strangers, now) || len(now) != 4+i {
			t.Errorf("strangers %v became %v", strangers, now)
		}
		if size != "0" { // else nobody knows what they run, and they are rolled over
			g.kept(workers)
		}
		if total := s.state().Total; total != 4 {
			t.Errorf("%d workers are known, want 4", total)
		}
	}
	last := s.youngest()
	s.Reload()
	s.replaced(last)
	if now := s.strangers(stranger); !allKept(strangers, now) {
		t.Errorf("after the reload: strangers %v became %v", strangers, now)
	}
	g.lift()
}

// disguise copies a program into a folder of its own.
func (s *service) disguise(program, to string) {
	s.t.Helper()
	text, err := os.ReadFile(program)
	if err = errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o755)); err != nil {
		s.t.Fatal(err)
	}
	name, err := filepath.Rel(s.dir, to)
	if err != nil {
		s.t.Fatal(err)
	}
	s.replace(name, text, 0o755)
}

// strangers are the processes of the service that run this program.
func (s *service) strangers(program string) (pids []int) {
	for _, p := range s.Processes() {
		if p.Exe() == program {
			pids = append(pids, p.PID)
		}
	}
	return pids
}
