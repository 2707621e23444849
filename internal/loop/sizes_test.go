package loop

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
)

// newSizeWorld is a service with one idle worker that may take 100 bytes, and what is found
// of it when the test says so.
func newSizeWorld(t *testing.T) (w *world, asked *[][]int, answer func(...int64)) {
	w = newWorldAfter(t, daemonRules(8), nil, func(s *Settings) { s.MaxMemory = 100 })
	asked = &[][]int{}
	var reply func([]int64)
	w.loop.seams.Measure = func(pids []int, limit int64, done func([]int64)) {
		if limit != 100 {
			t.Errorf("the limit is %d", limit)
		}
		*asked = append(*asked, pids)
		reply = done
	}
	answer = func(sizes ...int64) {
		reply(sizes)
		w.turn()
	}
	w.connect()
	w.turn()
	w.accept()
	w.says(101, report.Busy)
	w.says(101, report.Idle)
	return w, asked, answer
}

// TestSizes: a worker that has grown too large is retired, and that is said with its size.
func TestSizes(t *testing.T) {
	w, asked, answer := newSizeWorld(t)
	w.after(sizePause)
	if len(*asked) != 1 || len((*asked)[0]) != 1 || (*asked)[0][0] != 101 {
		t.Fatalf("asked about are %v", *asked)
	}
	answer(100)
	if m := w.loop.shown.snapshot().Workers[0].Memory; m == nil || *m != 100 || len(w.signals) != 0 {
		t.Fatalf("it takes %v, signals %v", m, w.signals)
	}
	w.after(10 * time.Second)
	if len(*asked) != 1 {
		t.Errorf("a pool at rest is looked at %d times", len(*asked))
	}
	w.says(101, report.Busy)
	w.says(101, report.Idle)
	w.after(sizePause)
	answer(5 << 20)
	if len(w.signals) != 1 || w.signals[0] != "101 SIGTERM false" || w.said(event.WorkerLarge, "worker_pid=101", `size="5.0 MiB"`) != 1 {
		t.Errorf("signals %v, said %s", w.signals, w.logged.String())
	}
	if n := w.loop.shown.snapshot().Counters.TooLarge; n != 1 {
		t.Errorf("%d are counted", n)
	}
}

// TestSizesBusy: a worker that is busy when it is found to be too large finishes first.
func TestSizesBusy(t *testing.T) {
	w, asked, answer := newSizeWorld(t)
	w.says(101, report.Busy)
	w.after(sizePause)
	answer(101)
	if len(*asked) != 1 || len(w.signals) != 0 {
		t.Fatalf("asked about are %v, signals %v", *asked, w.signals)
	}
	w.says(101, report.Idle)
	if len(w.signals) != 1 {
		t.Errorf("signals %v when it is idle", w.signals)
	}
}

// TestSizesNotLooked: one that was not looked at is in the next round, one whose size cannot
// be told only when it has done something again.
func TestSizesNotLooked(t *testing.T) {
	w, asked, answer := newSizeWorld(t)
	w.after(sizePause)
	answer(SizeNotLooked)
	w.says(101, report.Busy)
	w.connect()
	w.turn()
	w.accept()
	w.says(102, report.Busy)
	w.says(102, report.Idle)
	w.after(sizePause)
	if len(*asked) != 2 || len((*asked)[1]) != 2 {
		t.Fatalf("asked about are %v", *asked)
	}
	answer(SizeUnknown, SizeUnknown)
	w.says(102, report.Busy)
	w.says(102, report.Idle)
	w.after(sizePause)
	if len(*asked) != 3 || len((*asked)[2]) != 1 || (*asked)[2][0] != 102 {
		t.Errorf("asked about are %v", *asked)
	}
	if m := w.loop.shown.snapshot().Workers[0].Memory; m != nil {
		t.Errorf("it takes %d", *m)
	}
}
