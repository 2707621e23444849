package loop

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// crowded is a loop with n busy workers, which costs what the loop costs: what
// the world writes down of it is left out.
func crowded(t testing.TB, n int) *world {
	t.Helper()
	r := &Restored{Memory: policy.Forgotten()}
	for i := range n {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			t.Fatalf("%d workers take as many descriptors: %v", n, err)
		}
		r.Workers = append(r.Workers, RestoredWorker{
			Process: spawn.Process{PID: 101 + i, FD: fd}, Slot: i, Stored: true,
			Entry: policy.Entry{ID: 101 + i, Generation: uint64(1 + i), Started: time.Minute, State: policy.BusyState, Taken: true},
		})
	}
	w := newWorldAfter(t, daemonRules(n+10), r)
	seams := &w.loop.seams
	seams.Keep.Mark = func(int, policy.Entry, bool) {}
	seams.Keep.Remember = func(policy.Memory, Tally) {}
	seams.Status = func(string) {}
	queue := make([]report.Message, 1)
	seams.Receive = func(m *report.Message) error {
		if len(w.queue) == 0 {
			w.queue = queue[:0]
		}
		return w.receive(m)
	}
	return w
}

// job is one job of a worker in the middle: two turns with a report each.
func (w *world) job(pid int) {
	for _, says := range []report.Availability{report.Idle, report.Busy} {
		w.now += 10 * time.Microsecond
		w.report(report.Message{PID: pid, Avail: says, Jobs: -1, Done: -1})
		if err := w.loop.turn(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestJobDoesNotAllocate: reports come by the thousand a second.
func TestJobDoesNotAllocate(t *testing.T) {
	w := crowded(t, 100)
	for range 200 {
		w.job(150) // warm
	}
	if n := testing.AllocsPerRun(1000, func() { w.job(150) }); n != 0 {
		t.Errorf("%v allocations for a job", n)
	}
	if c := w.condition(); c.Busy != 100 || c.Counters.Requests < 1000 {
		t.Errorf("%+v", c)
	}
}

// BenchmarkJob is what a job costs the loop, with its system calls, in a small
// pool and in a large one.
func BenchmarkJob(b *testing.B) {
	for _, n := range []int{10, 5000} {
		b.Run(fmt.Sprint(n, "-workers"), func(b *testing.B) {
			w := crowded(b, n)
			b.ReportAllocs()
			for b.Loop() {
				w.job(101 + n/2)
			}
		})
	}
}
