package loop

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// TestAdvice: a pool of 4 gets 60 requests a second that take 100 ms each, so that 20 more
// wait with each second. The 6 that are busy on average need 9 workers, however many wait.
func TestAdvice(t *testing.T) {
	for _, seconds := range []int{4, 12, 25} {
		w := newWorld(t, daemonRules(4))
		for n := range 4 {
			w.connect()
			w.turn()
			w.accept()
			w.says(101+n, report.Busy)
		}
		for n := range 40 * seconds {
			if n%2 == 0 {
				w.connect() // twenty a second more than are done
			}
			w.after(25 * time.Millisecond)
			pid := 101 + n%4
			w.says(pid, report.Idle)
			w.says(pid, report.Busy)
			if (n+1)%100 == 0 && n > 0 { // the kernel keeps 64 here
				for range 50 {
					w.accept()
				}
				w.loop.load.overload.waiting -= 50
			}
		}
		d := w.loop.shown.snapshot().Demand
		if d.AdvisedLimit == nil || *d.AdvisedLimit < 8 || *d.AdvisedLimit > 10 {
			t.Errorf("after %d s: %+v, advised %v", seconds, d, deref(d.AdvisedLimit))
		}
	}
}

func deref(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

// TestAdviceUnknown: where nobody counts requests there is no advice.
func TestAdviceUnknown(t *testing.T) {
	cfg := queueRules(1)
	w := newWorld(t, cfg)
	w.finds.Evidence.Sockets = []policy.Acceptance{policy.SomebodyAccepts}
	for range 30 {
		w.connect()
	}
	w.turn()
	w.sampled(20 * time.Second)
	if c := w.condition(); !c.Full {
		t.Fatalf("not the scenario that is meant: %+v", c)
	}
	if d := w.loop.shown.snapshot().Demand; d.AdvisedLimit != nil {
		t.Errorf("advised are %d", *d.AdvisedLimit)
	}
}
