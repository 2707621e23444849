package policy

import (
	"testing"
	"time"
)

// TestDumping: SIGKILL waits for a core dump, not for ever, and for no other worker.
func TestDumping(t *testing.T) {
	for _, test := range []struct{ dumps, bound, want time.Duration }{
		{0, time.Minute, 5 * time.Second},
		{20 * time.Second, time.Minute, 20*time.Second + dumpAgain},
		{time.Hour, time.Minute, 65 * time.Second},
		{time.Hour, 0, 5 * time.Second},
	} {
		s := New(Config{Limit: 2, Extensions: Extensions{Retire: true, BusyTimeout: time.Second, AbortGrace: 5 * time.Second, DumpTimeout: test.bound}})
		s.Start(0)
		s.Connection(0, 1)
		s.Started(0, 1, 101)
		s.Status(0, Report{Worker: 101, Generation: 1, Available: Busy, HasAvailable: true})
		var killed, aborted Instant
		for killed == 0 {
			now, ok := s.Deadline()
			if !ok {
				t.Fatal("nothing is due")
			}
			s.Aborted(now, func(id int) {
				if now-aborted < test.dumps {
					s.Dumping(now, id)
				}
			})
			for _, a := range s.Tick(now) {
				switch {
				case a.Kind == Signal && a.Number == sigABRT:
					aborted = now
				case a.Kind == Signal && a.Number == sigKILL:
					killed = now
				}
			}
		}
		if took := killed - aborted; took < test.want-dumpAgain || took > test.want {
			t.Errorf("dumps for %v, bound %v: killed after %v, want %v", test.dumps, test.bound, took, test.want)
		}
	}
}
