package policy

import (
	"testing"
	"time"
)

// onBoard is what a look at the board finds of worker 101.
func onBoard(x *scenario, r Report) {
	x.t.Helper()
	r.Worker, r.Generation, r.Held, r.Board = 101, x.s.Generation(101), -1, true
	if _, v := x.s.Status(x.now, r); v != Believed && v != Redundant {
		x.t.Fatalf("verdict %d", v)
	}
}

// TestDip: a pool whose workers were all needed for a moment keeps them, and one
// in which some never were does not.
func TestDip(t *testing.T) {
	for _, c := range []struct {
		name    string
		dip     int
		retired int
	}{{"none", 0, 1}, {"all", 1, 0}, {"more than there are", 7, 0}} {
		t.Run(c.name, func(t *testing.T) {
			x := play(t, Config{Limit: 3, Extensions: Extensions{Retire: true, IdleTimeout: 10 * time.Second}}, once(row{"ready 101", ""})...)
			x.now += 5 * time.Second
			x.s.Dip(x.now, c.dip)
			x.now += 6 * time.Second
			x.s.Tick(x.now)
			if n := x.s.Condition(x.now).Retiring; n != c.retired {
				t.Errorf("%d workers were retired, want %d", n, c.retired)
			}
			x.event("+10s") // a new window has begun
			if n := x.s.Condition(x.now).Retiring; n != 1 {
				t.Errorf("%d workers were retired in the end, want 1", n)
			}
		})
	}
}

// TestBegunAnew: a worker that has begun another job since the last look is not
// busy for as long as it was seen busy.
func TestBegunAnew(t *testing.T) {
	x := play(t, Config{Limit: 3, Extensions: Extensions{BusyTimeout: 10 * time.Second, AbortGrace: time.Second}}, once(row{"busy 101", "watch on"})...)
	x.now += 8 * time.Second
	onBoard(x, Report{Finished: 2, Begun: true})
	if due, _ := x.s.Deadline(); due != x.now+10*time.Second {
		t.Errorf("it is aborted in %v, want 10s", due-x.now)
	}
	x.now += 5 * time.Second
	onBoard(x, Report{Finished: 0})
	if due, _ := x.s.Deadline(); due != x.now+5*time.Second {
		t.Errorf("it is aborted in %v although the job is the same, want 5s", due-x.now)
	}
}
