package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/availd/availd/internal/testutil"
)

// TestHerd: a connection wakes one of the idle workers, where the page about tuning says
// so, and all of them where it says that.
func TestHerd(t *testing.T) {
	const workers, requests = 4, 20
	python := func(path string) func(*testing.T, string) []string {
		return func(t *testing.T, _ string) []string { return []string{testutil.Program(t, "python3"), path} }
	}
	for _, test := range []struct {
		name  string
		all   bool
		build func(*testing.T, string) []string
	}{
		{"http-c", false, buildC("http-c")},
		{"http-c-board", false, buildC("http-c-board")},
		{"http-python", false, python("http-python/worker.py")},
		{"http-asyncio", false, python("http-asyncio/worker.py")},
		{"http-perl", false, func(t *testing.T, _ string) []string {
			return []string{testutil.Program(t, "perl"), "http-perl/worker.pl"}
		}},
		{"http-node", true, func(t *testing.T, _ string) []string {
			return []string{testutil.Program(t, "perl"), "http-node/with-reports", testutil.Program(t, "node"), "http-node/worker.js"}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			command := test.build(t, t.TempDir())
			s := testutil.Supervise(t, abstract("herd-"+test.name), syscall.SOCK_NONBLOCK)
			var pids []int
			for range workers {
				pids = append(pids, s.Start(command...).Pid)
				s.Expect("READY=1")
			}
			go s.Drain() // else workers wait until their reports are read
			woken := 0
			for range requests {
				before := waits(t, pids)
				if _, err := get(s.Address.String(), "/"); err != nil {
					t.Fatal(err)
				}
				n := changed(before, waits(t, pids))
				for over := time.Now().Add(testutil.Patience); test.all && n < workers && time.Now().Before(over); {
					n = changed(before, waits(t, pids))
				}
				woken += n
			}
			each := float64(woken) / requests
			if test.all && each != workers || !test.all && each > 1.5 {
				t.Errorf("a connection wakes %.2f of %d idle workers; say so in docs/tuning.md", each, workers)
			}
		})
	}
}

// waits is how often each process has waited for something, when none of them computes any
// more: who has just answered still has to close its connection, and that is no wake-up of
// the next one.
func waits(t *testing.T, pids []int) []int {
	t.Helper()
	for end := time.Now().Add(testutil.Patience); ; {
		counts, asleep := waited(t, pids)
		if asleep {
			return counts
		}
		if time.Now().After(end) {
			t.Fatal("the workers compute all the time")
		}
	}
}

// waited is how often each process has waited, and whether all of them wait now.
func waited(t *testing.T, pids []int) (counts []int, asleep bool) {
	t.Helper()
	asleep = true
	for _, pid := range pids {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		if err != nil || len(tasks) == 0 {
			t.Fatalf("worker %d is gone, %v", pid, err)
		}
		sum := 0
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			asleep = asleep && strings.Contains(string(text), "\nState:\tS")
			_, after, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
			line, _, _ := strings.Cut(after, "\n")
			n, _ := strconv.Atoi(strings.TrimSpace(line))
			sum += n
		}
		counts = append(counts, sum)
	}
	return counts, asleep
}

func changed(before, after []int) (n int) {
	for i := range before {
		if after[i] != before[i] {
			n++
		}
	}
	return n
}
