package policy

import (
	"slices"
	"testing"
	"time"
)

// onceConfig: one place, and clients that always wait. The queues are sampled before each
// end, as the loop does it.
func onceConfig() Config {
	cfg := queueConfig(1)
	cfg.CrashIsNoFailure, cfg.ThrottleMax = true, time.Minute
	return cfg
}

// A worker that does not report and exits with 0 after each request is no startup failure,
// although the queue is never seen to be shorter: clients come as fast as they are served.
func TestSilentQuickServes(t *testing.T) {
	for _, rate := range []int{0, 3} { // how many more come than are served
		x := play(t, onceConfig(), row{"start", "watch on"}, row{"queue 3", ""}, row{"conn 3", "start 101, watch off"})
		for n := range 200 {
			x.sees = []string{"somebody"}
			if n == 0 { // it has nothing to compare with
				x.sees = []string{"unseen"}
			}
			x.event("+30ms")
			x.queue = []int{3 + rate*n}
			x.event("sample")
			x.event("exit " + pid(n) + " 0")
			x.event("conn 3")
			if c := x.s.Condition(x.now); c.Throttled || c.Total != 1 || c.Counters.BadStarts != 0 {
				t.Fatalf("%d more each time: after %d: %+v", rate, n+1, c)
			}
		}
	}
}

// One that serves nobody pauses starts when looks have found so, and at once from then on, for
// longer each time.
func TestSilentQuickServesNothing(t *testing.T) {
	play(t, onceConfig(),
		row{"start", "watch on"}, row{"queue 3", ""}, row{"conn 3", "start 101, watch off"},
		row{"+5ms", ""}, row{"sample", ""},
		row{"exit 101 0", "watch on"},
		row{"conn 3", "start 102, watch off"},
		row{"+5ms", ""}, row{"sample", ""},
		row{"sees nobody", ""},
		row{"exit 102 0", "watch on, bad start 102, throttle 1s quick-end, watch off"},
		row{"+1s", "unthrottle, watch on"},
		row{"conn 3", "start 103, watch off"},
		row{"+5ms", ""}, row{"sample", ""},
		row{"exit 103 0", "watch on, bad start 103, throttle 2s quick-end, watch off"},
		row{"+2s", "unthrottle, watch on"},
		row{"conn 3", "start 104, watch off"},
		row{"+5ms", ""},
		row{"sees somebody", ""}, // it is repaired
		row{"sample", ""},
		row{"exit 104 0", "watch on"},
		row{"conn 3", "start 105, watch off"},
		row{"+5ms", ""},
		row{"sees nobody", ""}, row{"sample", ""},
		row{"exit 105 0", "watch on, bad start 105, throttle 1s quick-end, watch off"},
	)
}

// Where looks have to wait, or tell nothing, such ends go on for a bounded time.
func TestSilentQuickUnseen(t *testing.T) {
	for _, test := range []struct {
		found []Acceptance
		bound time.Duration
	}{
		{nil, quickLate}, // no list may be read
		{[]Acceptance{NotKnown}, quickUnknown},
		{[]Acceptance{NobodyAccepts, NotKnown}, quickUnknown},
		{[]Acceptance{NobodySeen}, quickLate}, // who was served between two looks is seen by neither
	} {
		x := play(t, onceConfig(), row{"start", "watch on"}, row{"queue 3", ""})
		x.inspect = func() Evidence { return Evidence{Sockets: test.found} }
		paused := 0
		for n := 0; x.now < 10*quickLate && paused == 0; n++ {
			x.event("conn 3")
			x.event("+5ms")
			x.event("sample")
			x.event("exit " + pid(n) + " 0")
			paused = int(x.s.Condition(x.now).Counters.Throttles)
		}
		if paused == 0 || x.now < test.bound || x.now > 3*test.bound {
			t.Errorf("%v: %d pauses after %v", test.found, paused, x.now)
		}
	}
}

// A look that began before the end says nothing about it: another is made.
func TestSilentQuickLooksAgain(t *testing.T) {
	x := play(t, onceConfig(), row{"start", "watch on"}, row{"queue 3", ""}, row{"conn 3", "start 101, watch off"}, row{"+1ms", ""}, row{"sees nobody", ""}, row{"sample", ""})
	x.s.infer.inspecting = true
	x.play(row{"exit 101 0", "watch on"})
	before := x.looks
	x.do(x.s.Inspected(x.now, Evidence{Sockets: []Acceptance{NobodyAccepts}}))
	if x.looks != before+1 || x.s.infer.doubt.has || x.s.throttle.quick != 1 {
		t.Fatalf("%d looks, %+v", x.looks-before, x.s.infer.doubt)
	}
}

// reloaded is a service of such workers, two at a time, which has served and was reloaded.
func reloaded(t *testing.T, limit int) *scenario {
	cfg := onceConfig()
	cfg.Limit, cfg.ProveReload = limit, true
	x := play(t, cfg, row{"start", "watch on"}, row{"queue 3", ""})
	x.event("conn 3")
	x.sees = []string{"somebody"}
	x.event("+5ms")
	x.event("sample")
	x.event("exit 101 0")
	for x.s.Condition(x.now).Total < limit {
		x.event("conn 3")
		x.event("+5ms")
	}
	x.said = nil
	x.event("reload")
	return x
}

// A reload of such a program is proven when none but new workers can have accepted, and fails
// when who waits is served by none of them. Until then the older ones go as they serve.
func TestSilentQuickReload(t *testing.T) {
	for _, test := range []struct {
		sees, want string
		late       bool // the look after the last older one has gone shows whom that has accepted
	}{
		{"somebody", "rolled out 3", false}, {"nobody", "rolling restart stopped quick-end", false}, {"nobody", "rolling restart stopped quick-end", true},
	} {
		x := reloaded(t, 3)
		old := []int{x.started - 3, x.started - 2, x.started - 1}
		said := false
		do := func(event string) {
			x.event(event)
			said = said || slices.Contains(x.said, test.want)
		}
		for n := 0; n < 20 && !said; n++ {
			x.sees = []string{"somebody"}
			if len(old) == 0 && test.late { // nobody has looked since
				test.late = false
				do("exit " + pid(x.started-1) + " 0")
				tested := pid(x.started - 1)
				for n, looks := 0, x.looks; x.looks == looks && n < 20; n++ {
					do("+20ms")
					do("sample")
				}
				x.sees = []string{test.sees}
				do("exit " + tested + " 0")
			}
			if len(old) == 0 {
				x.sees = []string{test.sees}
			}
			do("+20ms")
			if n%3 == 0 && len(old) > 0 {
				do("exit " + pid(old[0]) + " 0")
				old = old[1:]
				continue
			}
			do("sample")
			do("exit " + pid(x.started-1) + " 0")
			if len(old) > 0 && x.s.rolling.proof.have {
				t.Fatalf("proven beside %d older workers", len(old))
			}
		}
		if len(old) > 0 || !said {
			t.Errorf("%s is seen to accept: %d older workers, %q said: %t", test.sees, len(old), test.want, said)
		}
	}
}

// An older worker that is asked to exit, to make room for the test, may accept once more. Whom
// it has accepted proves nothing.
func TestSilentQuickReloadRetiring(t *testing.T) {
	x := reloaded(t, 1)
	old, said := pid(x.started-1), []string(nil)
	do := func(event string) {
		x.event(event)
		said = append(said, x.said...)
	}
	look := func(sees string) {
		x.sees = []string{sees}
		for n, looks := 0, x.looks; x.looks == looks && n < 20; n++ {
			do("+20ms")
			do("sample")
		}
	}
	do("+20ms") // it is asked
	do("+20ms")
	x.looked = x.now // for another reason, while it is still there
	do("exit " + old + " 0")
	look("somebody")
	for n := 0; n < 5 && x.s.rolling.on; n++ {
		x.sees = []string{"nobody"}
		do("exit " + pid(x.started-1) + " 0")
		do("+20ms")
		do("sample")
	}
	if !slices.Contains(said, "rolling restart stopped quick-end") {
		t.Errorf("said: %q", said)
	}
}
