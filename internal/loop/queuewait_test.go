package loop

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/worker"
)

// lists counts the questions that ask for lists.
func (w *world) lists() (n int) {
	for _, q := range w.questions {
		if q.Lists {
			n++
		}
	}
	return n
}

// TestQueueWait: while a client waits at a full pool it is looked how long, seldom enough;
// when it is served there is one more look, and then nothing wakes.
func TestQueueWait(t *testing.T) {
	w := fullWorld(t, 1)
	w.after(time.Minute)
	quiet := w.loop.timeout()
	if w.lists() != 0 {
		t.Fatalf("%d looks while nobody waits", w.lists())
	}
	if quiet < 5*time.Second {
		t.Fatalf("a full pool that is left alone is woken after %v", quiet)
	}
	w.finds.Queues = []inspect.Queue{{Waiting: 1}}
	w.connect()
	w.turn()
	if d := w.loop.timeout(); d > firstQueueLook || w.lists() != 0 {
		t.Errorf("a client came: the next turn is in %v, %d looks", d, w.lists())
	}
	steps := func(d time.Duration) {
		for end := w.now + d; w.now < end; {
			w.finds.Queues[0].Oldest += 5 * time.Millisecond
			w.after(5 * time.Millisecond)
		}
	}
	steps(time.Second)
	if n := w.lists(); n < 8 || n > 10 {
		t.Errorf("%d looks in the first second", n)
	}
	steps(20 * time.Second)
	w.finds.Queues[0].LowerBound = true
	if !slices.ContainsFunc(w.lines, func(l string) bool { return strings.Contains(l, " | queue 1, oldest 1") }) {
		t.Errorf("STATUS= %q", w.lines)
	}
	before := w.lists()
	steps(10 * time.Second)
	if n := w.lists() - before; n < 8 || n > 20 {
		t.Errorf("%d looks in ten seconds at a client that has waited for 20 s", n)
	}
	if last := w.lines[len(w.lines)-1]; !strings.Contains(last, " | queue 1, oldest over 2") {
		t.Errorf("STATUS= of a Unix socket %q", last)
	}
	w.accept()
	w.finds.Queues[0] = inspect.Queue{}
	w.finds.Accepted = []inspect.Accepted{{Waited: 30 * time.Second}}
	w.finds.Abandoned = 2
	before = w.lists()
	w.after(time.Second)
	w.after(time.Second)
	w.finds.Accepted, w.finds.Abandoned = nil, 0
	if n := w.lists() - before; n != 1 {
		t.Errorf("%d looks once nobody waits, want one", n)
	}
	w.after(time.Minute)
	if d := w.loop.timeout(); d < quiet {
		t.Errorf("afterwards it is woken after %v, before after %v", d, quiet)
	}
	s := w.shown()
	if s.Counters.Abandoned != 2 || s.Measures.Waits == nil || count(s.Measures.Waits) != 1 || s.Measures.Waits.Sum != 30*time.Second {
		t.Errorf("%d abandoned, waits %+v", s.Counters.Abandoned, s.Measures.Waits)
	}
	w.finds.Queues[0].Waiting = 1
	before = w.lists()
	w.connect()
	w.turn()
	w.after(firstQueueLook)
	if w.lists() != before+1 {
		t.Error("the next client is not noticed")
	}
}

// TestQueueWaitIdle: clients that idle workers accept cause no look.
func TestQueueWaitIdle(t *testing.T) {
	w := fullWorld(t, 2)
	w.says(101, report.Idle)
	for range 20 {
		w.connect()
		w.turn()
		w.after(50 * time.Millisecond)
		w.accept()
		w.after(50 * time.Millisecond)
	}
	if w.lists() != 0 {
		t.Errorf("%d looks", w.lists())
	}
}

// TestQueueWaitServed: a full pool whose workers are fast is not woken for each client.
func TestQueueWaitServed(t *testing.T) {
	w := fullWorld(t, 1)
	turns := 0
	for range 1000 {
		w.connect()
		if w.ready() {
			turns++
		}
		w.turn()
		w.accept()
		w.after(5 * time.Millisecond)
	}
	if turns > 30 || w.lists() != 0 {
		t.Errorf("%d clients have woken it, %d looks in five seconds", turns, w.lists())
	}
}

// TestQueueWaitDear: looks that would cost too much are not made.
func TestQueueWaitDear(t *testing.T) {
	w := fullWorld(t, 1)
	w.finds.Queues, w.finds.Again = []inspect.Queue{{Waiting: 1, Oldest: 1}}, 3*time.Second
	w.connect()
	w.turn()
	for range 3000 {
		w.after(10 * time.Millisecond)
		if w.lists() > 0 && !w.loop.inspection.known() {
			t.Fatal("what was found out is forgotten before it may be looked again")
		}
	}
	if n := w.lists(); n < 8 || n > 11 {
		t.Errorf("%d looks in 30 s, of which each may be made 3 s after the other", n)
	}
}

// TestMeasuredWaits: what workers have measured counts, and what looks have found does not
// count as well.
func TestMeasuredWaits(t *testing.T) {
	if len(worker.WaitBounds) != len(state.Bounds) || worker.WaitBounds != state.Bounds {
		t.Fatalf("bounds of the board %v, of the histogram %v", worker.WaitBounds, state.Bounds)
	}
	w := newBoardWorld(t, daemonRules(1))
	_, b := w.started()
	b.Waited(7 * time.Millisecond)
	w.loop.inspection.inspected(&inspect.Answer{Accepted: []inspect.Accepted{{Waited: 300 * time.Millisecond}, {Waited: 2 * time.Second, LowerBound: true}}})
	b.Free()
	w.after(3 * time.Second)
	h := w.shown().Measures.Waits
	if h == nil || count(h) != 2 || h.Counts[2] != 1 || h.Sum != 2007*time.Millisecond {
		t.Errorf("waits %+v", h)
	}
	w.loop.inspection.inspected(&inspect.Answer{Accepted: []inspect.Accepted{{Waited: 300 * time.Millisecond}}})
	w.after(3 * time.Second)
	if h := w.shown().Measures.Waits; count(h) != 2 {
		t.Errorf("it counts twice: %+v", h)
	}
}

// TestSeenWaits: where nobody measures, it counts what looks have found.
func TestSeenWaits(t *testing.T) {
	w := fullWorld(t, 1)
	w.loop.inspection.inspected(&inspect.Answer{Accepted: []inspect.Accepted{{Waited: 300 * time.Millisecond}}})
	if h := w.shown().Measures.Waits; h != nil {
		t.Errorf("a worker may say so, too: %+v", h)
	}
	w.after(measurePatience)
	if h := w.shown().Measures.Waits; h == nil || count(h) != 1 || h.Sum != 300*time.Millisecond {
		t.Errorf("waits %+v", h)
	}
}

// TestWaitsOfSessions: availd measures each connection that it accepts, if the kernel tells.
func TestWaitsOfSessions(t *testing.T) {
	d := newDoor(t, 9)
	d.waited = 30 * time.Millisecond
	d.come(2)
	d.turn()
	d.waited = -1
	d.come(1)
	d.turn()
	d.loop.inspection.inspected(&inspect.Answer{Accepted: []inspect.Accepted{{Waited: time.Second}}})
	d.after(measurePatience)
	if h := d.shown().Measures.Waits; h == nil || count(h) != 2 || h.Sum != 60*time.Millisecond {
		t.Errorf("waits %+v, want two of 30 ms", h)
	}
}

// TestQueueWaitBrief: where somebody waits all the time and nobody for long, there are few
// looks.
func TestQueueWaitBrief(t *testing.T) {
	w := fullWorld(t, 1)
	w.finds.Queues = []inspect.Queue{{Waiting: 1, Oldest: 3 * time.Millisecond}}
	w.connect()
	w.turn()
	for range 1000 {
		w.after(10 * time.Millisecond)
	}
	if n := w.lists(); n < 15 || n > 25 {
		t.Errorf("%d looks in 10 s", n)
	}
}

// TestQueueWaitLast: the look that tells what has become of those who waited is made when it
// may be.
func TestQueueWaitLast(t *testing.T) {
	w := fullWorld(t, 1)
	w.finds.Queues, w.finds.Again = []inspect.Queue{{Waiting: 1, Oldest: time.Second}}, 3*time.Second
	w.connect()
	w.turn()
	w.after(firstQueueLook)
	w.accept()
	before := w.lists()
	w.finds.Queues[0], w.finds.Again = inspect.Queue{}, 0
	w.after(time.Second)
	if w.lists() != before {
		t.Error("it is looked before that may be")
	}
	for range 30 {
		w.after(100 * time.Millisecond)
	}
	if n := w.lists() - before; n != 1 {
		t.Errorf("%d looks at the end, want one", n)
	}
}
