package loop

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// document asks for the past as another goroutine would.
func (w *world) document() history.Document {
	w.t.Helper()
	reply := make(chan Past, 1)
	w.loop.post(request{past: reply})
	w.turn()
	p := <-reply
	return history.Compose("test", p.Memory, p.Now, p.At, nil)
}

// TestPast: a pool of 2 is full for a minute while 3 clients wait, and sleeps for half an
// hour before; setting the clock on the wall changes nothing but what it shows.
func TestPast(t *testing.T) {
	w := newWorld(t, daemonRules(2))
	w.turn()
	w.after(30 * time.Minute)
	for _, pid := range []int{101, 102} {
		w.connect()
		w.turn()
		w.accept()
		w.says(pid, report.Busy)
	}
	w.after(30 * time.Second)
	for range 3 {
		w.connect()
	}
	w.finds.Queues = []inspect.Queue{{Waiting: 3, Oldest: 1500 * time.Millisecond}}
	w.after(lookPeriod)
	w.after(20 * time.Second)
	w.wall = w.wall.Add(-100 * time.Hour)
	d := w.document()
	now := d.Hour.Len() - 1
	if got, want := d.Hour.Time(now), w.wall.Add(-(w.now % history.HourStep)); !got.Equal(want) {
		t.Errorf("the open step began at %v, want %v", got, want)
	}
	steps := func(d time.Duration) int { return now - int(d/history.HourStep) }
	for what, c := range map[string]struct {
		got  float32
		want float32
	}{
		"busy now":                   {d.Hour.Busy.Mean[now], 2},
		"waiting now":                {d.Hour.Queue.Max[now], 3},
		"longest wait":               {d.Hour.Wait.Max[now], 1.5},
		"limit":                      {d.Hour.Limit.Max[now], 2},
		"busy half a minute ago":     {d.Hour.Busy.Max[steps(40*time.Second)], 2},
		"waiting half a minute ago":  {d.Hour.Queue.Max[steps(40*time.Second)], 0},
		"busy ten minutes ago":       {d.Hour.Busy.Max[steps(10*time.Minute)], 0},
		"known ten minutes ago":      {d.Hour.Covered[steps(10*time.Minute)], 10},
		"known an hour ago":          {d.Hour.Covered[0], 0},
		"busy in the last 5 minutes": {d.Day.Busy.Max[d.Day.Len()-1], 2},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
	w.says(101, report.Idle)
	w.accept()
	w.says(101, report.Busy)
	w.says(101, report.Idle)
	w.after(10 * time.Second)
	d = w.document()
	if got := d.Hour.Rate.Mean[now-1]; got != 0.2 {
		t.Errorf("two requests in ten seconds are %v a second", got)
	}
}

// TestPastWakesNobody: nothing is due for its sake, in a pool at rest or at work.
func TestPastWakesNobody(t *testing.T) {
	with, without := newWorld(t, daemonRules(3)), newWorld(t, daemonRules(3))
	without.loop.cfg.History = nil
	step := func(do func(w *world)) {
		t.Helper()
		do(with)
		do(without)
		if a, b := with.loop.timeout(), without.loop.timeout(); a != b {
			t.Fatalf("the loop waits for %v with a history, and %v without", a, b)
		}
	}
	step(func(w *world) { w.turn() })
	for i := range 3 {
		step(func(w *world) { w.connect(); w.turn(); w.accept() })
		step(func(w *world) { w.says(101+i, report.Busy) })
		step(func(w *world) { w.after(history.HourStep) })
	}
	for i := range 3 {
		step(func(w *world) { w.says(101+i, report.Idle) })
		step(func(w *world) { w.after(history.DayStep) })
	}
}

// TestPastUpgraded: the next image goes on in the step in which this one ends.
func TestPastUpgraded(t *testing.T) {
	w := newWorld(t, daemonRules(1))
	w.turn()
	w.after(3 * time.Second)
	w.loop.load.past.save()
	next := history.New(w.loop.load.past.cfg.History.Save(w.now))
	next.Note(w.now, history.Sample{Limit: 1})
	hour, _ := history.Read(next.Save(w.now+policy.Instant(time.Second)), w.now+time.Second)
	if got := hour[len(hour)-1].Covered; got != 4*time.Second {
		t.Errorf("the step covers %v, want 4 s", got)
	}
}
