//go:build e2e

package guest

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
)

// entry is a worker as proc(5) shows it.
type entry struct {
	pid        int
	generation int
	args       []string
	stress     string // AVAILD_STRESS
	informed   bool   // AVAILD_STRESS is set at all
}

// roster remembers every worker of a service, by looking every few
// milliseconds.
type roster struct {
	mu   sync.Mutex
	seen map[int]entry
	stop chan struct{}
	over sync.WaitGroup
}

func (s *service) roster() *roster {
	r := &roster{seen: map[int]entry{}, stop: make(chan struct{})}
	r.over.Go(func() {
		for {
			begin := time.Now()
			for _, p := range s.Workers() {
				r.add(p)
			}
			select {
			case <-harness.Again(4*time.Millisecond, begin):
			case <-r.stop:
				return
			}
		}
	})
	return r
}

func (r *roster) add(p harness.Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.seen[p.PID]; known {
		return
	}
	e := entry{pid: p.PID, args: p.Args()}
	generation, _ := p.Getenv("AVAILD_GENERATION")
	e.stress, e.informed = p.Getenv("AVAILD_STRESS")
	if e.generation, _ = strconv.Atoi(generation); e.generation > 0 && len(e.args) > 0 { // else it is in its exec, or gone
		r.seen[p.PID] = e
	}
}

// all are the workers seen so far, by generation.
func (r *roster) all() []entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []entry
	for _, e := range r.seen {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return a.generation - b.generation })
	return all
}

func (r *roster) close() {
	close(r.stop)
	r.over.Wait()
}

// neverFailed watches both units until the returned function is called, which
// fails the test when one was in the state failed meanwhile.
func (s *service) neverFailed(t *testing.T) (check func()) {
	t.Helper()
	stop, looks, bad := make(chan struct{}), 0, ""
	var over sync.WaitGroup
	over.Go(func() {
		turn := time.NewTicker(150 * time.Millisecond)
		defer turn.Stop()
		for {
			out, _ := harness.Run("systemctl", "show", "--property=Id,ActiveState,SubState", s.Socket(), s.Service())
			looks++
			if slices.Contains(splitLines(out), "ActiveState=failed") {
				bad = out
			}
			select {
			case <-turn.C:
			case <-stop:
				return
			}
		}
	})
	return func() {
		t.Helper()
		close(stop)
		over.Wait()
		t.Logf("looked %d times at the states of both units", looks)
		if bad != "" {
			t.Errorf("a unit failed:\n%s", bad)
		}
		if journal := harness.Journal(s.Socket()); containsAny(journal, "Failed with result", "entered failed state") {
			t.Errorf("the socket failed:\n%s", journal)
		}
	}
}
