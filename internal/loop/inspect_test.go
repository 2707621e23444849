package loop

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// newQueueWorld is a service of workers that do not report, with one of them that has
// come, and a queue that is not accepted from.
func newQueueWorld(t *testing.T, starting int) *world {
	cfg := queueRules(50)
	cfg.MaxStarting = starting
	w := newWorld(t, cfg)
	w.connect()
	w.turn()
	w.accept()
	w.after(10 * time.Millisecond)
	for range 30 {
		w.connect()
	}
	return w
}

// sampled lets time pass in steps of a sample.
func (w *world) sampled(d time.Duration) {
	for end := w.now + d; w.now < end; {
		w.after(5 * time.Millisecond)
	}
}

// TestInspect: an overload is looked into; while connections are accepted workers are
// added, and when nobody accepts any there is an end to that.
func TestInspect(t *testing.T) {
	for _, test := range []struct {
		found       policy.Acceptance
		least, most int
	}{
		{policy.SomebodyAccepts, 20, 50}, {policy.NobodyAccepts, 4, 8}, {policy.NotKnown, 20, 50},
	} {
		w := newQueueWorld(t, 1)
		w.finds.Evidence.Sockets = []policy.Acceptance{test.found}
		w.sampled(time.Second)
		if n := w.condition().Total; n < test.least || n > test.most {
			t.Errorf("evidence %d: %d workers after a second, want %d to %d", test.found, n, test.least, test.most)
		}
		if len(w.questions) == 0 || len(w.questions) > 250 {
			t.Fatalf("evidence %d: %d looks in a second", test.found, len(w.questions))
		}
		if test.found == policy.NobodyAccepts {
			w.sampled(5 * time.Second)
			if w.said(event.SocketIgnored) == 0 {
				t.Error("nobody accepts, and it is not said within 6 s")
			}
			w.finds.Evidence.Sockets[0] = policy.SomebodyAccepts
			w.sampled(time.Second)
			if n := w.condition().Total; n < 20 {
				t.Errorf("now somebody accepts, and there are %d workers", n)
			}
		}
	}
}

// TestInspectWorkers: those that are starting are looked at, and one that holds a
// connection is starting no more.
func TestInspectWorkers(t *testing.T) {
	w := newQueueWorld(t, 2)
	w.sampled(50 * time.Millisecond)
	if c := w.condition(); c.Starting != 2 {
		t.Fatalf("%+v", c)
	}
	last := w.questions[len(w.questions)-1]
	if len(last.Workers) < 2 {
		t.Fatalf("looked at are %v", last.Workers)
	}
	w.finds.Evidence.Holders = []policy.Holder{{Worker: last.Workers[0], Socket: -1}, {Worker: last.Workers[1], Socket: -1}}
	total := w.condition().Total
	w.sampled(30 * time.Millisecond)
	if c := w.condition(); c.Total != total+2 {
		t.Errorf("%d workers, want two more than %d", c.Total, total)
	}
}

// TestInspectLate: an answer that does not come holds nothing up, and one that comes
// late counts.
func TestInspectLate(t *testing.T) {
	w := newQueueWorld(t, 1)
	w.pondering = true
	w.finds.Evidence.Sockets = []policy.Acceptance{policy.NobodyAccepts}
	w.sampled(500 * time.Millisecond)
	if len(w.questions) != 1 {
		t.Fatalf("%d looks at once", len(w.questions))
	}
	if n := w.condition().Total; n < 10 {
		t.Errorf("%d workers while it is not known that nobody accepts", n)
	}
	w.pondering = false
	w.reply()
	w.turn()
	n := w.condition().Total
	w.sampled(500 * time.Millisecond)
	if more := w.condition().Total - n; more > 1 {
		t.Errorf("%d more workers although nobody accepts", more)
	}
}

// shown asks for the status, as another goroutine does; nil = the answer is put off.
func (w *world) shown() *status.Service {
	w.t.Helper()
	reply := make(chan status.Service, 1)
	w.loop.post(request{status: reply})
	w.turn()
	select {
	case s := <-reply:
		return &s
	default:
		w.late = reply
		return nil
	}
}

// fullWorld is a service of that many workers, all of them busy.
func fullWorld(t *testing.T, limit int) *world {
	w := newWorld(t, daemonRules(limit))
	for n := range limit {
		w.connect()
		w.turn()
		w.accept()
		w.says(101+n, report.Busy)
	}
	if c := w.condition(); c.Busy != limit {
		t.Fatalf("%+v", c)
	}
	return w
}

func waits(s *status.Service) string {
	if s == nil || s.Sockets[0].OldestWait == nil {
		return "unknown"
	}
	return (time.Duration(*s.Sockets[0].OldestWait*1e6) * time.Microsecond).String()
}

// TestOldestWait: how long clients wait is shown, if it is known, and for how long.
func TestOldestWait(t *testing.T) {
	w := fullWorld(t, 1)
	if s := w.shown(); waits(s) != "0s" || len(w.questions) != 0 {
		t.Errorf("nobody waits: %s, %d looks", waits(s), len(w.questions))
	}
	w.connect()
	w.finds.Queues = []inspect.Queue{{Waiting: 1, Oldest: 1500 * time.Millisecond}}
	if s := w.shown(); waits(s) != "1.5s" {
		t.Errorf("1.5 s: %s", waits(s))
	}
	n := len(w.questions)
	for range 10 {
		w.shown()
	}
	if len(w.questions) != n {
		t.Errorf("%d looks without a pause", len(w.questions)-n)
	}
	w.now += 20 * time.Millisecond
	if s := w.shown(); waits(s) != "1.52s" {
		t.Errorf("20 ms later: %s", waits(s))
	}
	w.finds.Queues[0].LowerBound = true
	w.now += agePause
	if s := w.shown(); waits(s) != "1.5s" || !s.Sockets[0].OldestBound {
		t.Errorf("at least 1.5 s: %s, %t", waits(s), s.Sockets[0].OldestBound)
	}
	w.now += 20 * time.Millisecond
	if s := w.shown(); waits(s) != "1.5s" {
		t.Errorf("at least as long, later: %s", waits(s))
	}
	w.now += time.Minute
	w.finds.Queues = []inspect.Queue{{Oldest: -1}}
	if s := w.shown(); waits(s) != "unknown" {
		t.Errorf("unknown: %s", waits(s))
	}
	w.now += time.Minute
	w.finds.Queues, w.finds.Again = nil, 10*time.Second
	if s := w.shown(); waits(s) != "unknown" {
		t.Errorf("it would cost too much: %s", waits(s))
	}
	n = len(w.questions)
	w.now += 5 * time.Second
	if w.shown(); len(w.questions) != n {
		t.Error("it is asked again before that may be")
	}
}

// TestLateAnswer: who asks for the status waits for a look, and not for long.
func TestLateAnswer(t *testing.T) {
	w := fullWorld(t, 1)
	w.connect()
	w.pondering = true
	w.finds.Queues = []inspect.Queue{{Waiting: 1, Oldest: time.Second}}
	if s := w.shown(); s != nil {
		t.Fatalf("answered before it is known: %s", waits(s))
	}
	w.reply()
	w.turn()
	if s := <-w.late; waits(&s) != "1s" {
		t.Errorf("once it is known: %s", waits(&s))
	}
	w.now += time.Hour
	if s := w.shown(); s != nil {
		t.Fatalf("answered with what was: %s", waits(s))
	}
	w.after(answerWait)
	if s := <-w.late; waits(&s) != "unknown" {
		t.Errorf("the look does not end: %s", waits(&s))
	}
}

// TestAcceptedOnce: the policy hears of connections that looks for others have found to be
// accepted, and does not take for old who was new at those.
func TestAcceptedOnce(t *testing.T) {
	w := newQueueWorld(t, 1)
	i := &w.loop.inspection
	i.inspected(&inspect.Answer{Evidence: policy.Evidence{Sockets: []policy.Acceptance{policy.SomebodyAccepts}}})
	for _, test := range []struct {
		found []policy.Acceptance
		want  policy.Acceptance
	}{
		{nil, policy.SomebodyAccepts}, {[]policy.Acceptance{policy.NobodySeen}, policy.SomebodyAccepts},
	} {
		if e := i.remember(policy.Evidence{Sockets: test.found}); len(e.Sockets) != 1 || e.Sockets[0] != test.want {
			t.Errorf("%v: %v", test.found, e.Sockets)
		}
	}
	i.forPolicy = true
	i.inspected(&inspect.Answer{})
	if e := i.remember(policy.Evidence{Sockets: []policy.Acceptance{policy.NobodyAccepts}}); e.Sockets[0] != policy.NobodyAccepts {
		t.Errorf("it was told already: %v", e.Sockets)
	}
	i.inspected(&inspect.Answer{Evidence: policy.Evidence{Sockets: []policy.Acceptance{policy.NobodySeen}}})
	if e := i.remember(policy.Evidence{Sockets: []policy.Acceptance{policy.NobodyAccepts}}); e.Sockets[0] != policy.NobodySeen {
		t.Errorf("who was new at a look that the policy was not told of waits still: %v", e.Sockets)
	}
}
