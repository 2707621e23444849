package state

import (
	"math/rand/v2"
	"testing"
	"time"
)

const minute = time.Minute

// boot is some moment that is not the beginning of an hour.
const boot = 1000*time.Hour + 17*minute

func TestWindow(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*Demand)
		at   time.Duration
		peak int
		full time.Duration
	}{
		{"nothing", func(*Demand) {}, boot, 0, 0},
		{"the highest counts", func(w *Demand) {
			w.Note(boot, 3)
			w.Note(boot+minute, 57)
			w.Note(boot+2*minute, 4)
		}, boot + 3*minute, 57, 0},
		{"it is remembered for a day", func(w *Demand) {
			w.Note(boot, 57)
			w.Note(boot+minute, 2)
		}, boot + 24*time.Hour, 57, 0},
		{"and then forgotten", func(w *Demand) {
			w.Note(boot, 57)
			w.Note(boot+minute, 2)
		}, boot + 25*time.Hour, 2, 0},
		{"what lasts needs no notes", func(w *Demand) { w.Note(boot, 5) }, boot + 90*time.Hour, 5, 0},
		{"what lasted is remembered from its end", func(w *Demand) {
			w.Note(boot, 5)
			w.Note(boot+90*time.Hour, 0)
		}, boot + 110*time.Hour, 5, 0},
		{"full is a sum", func(w *Demand) {
			w.Full(boot, boot+minute)
			w.Full(boot+2*minute, boot+4*minute)
		}, boot + 5*minute, 0, 3 * minute},
		{"over the hours", func(w *Demand) { w.Full(boot, boot+10*time.Hour) }, boot + 11*time.Hour, 0, 10 * time.Hour},
		{"of the last day only", func(w *Demand) { w.Full(boot, boot+100*time.Hour) }, boot + 100*time.Hour, 0, 24*time.Hour + 17*minute},
		{"and forgotten by the hour", func(w *Demand) { w.Full(boot, boot+2*time.Hour) }, boot + 25*time.Hour, 0, time.Hour + 17*minute},
		{"at the beginning of the clock", func(w *Demand) {
			w.Note(minute, 2)
			w.Full(minute, 2*minute)
		}, 3 * minute, 2, minute},
	} {
		var w Demand
		c.do(&w)
		if peak, full := w.Peak(c.at), w.FullFor(c.at); peak != c.peak || full != c.full {
			t.Errorf("%s: peak %d, full for %v; want %d, %v", c.name, peak, full, c.peak, c.full)
		}
	}
}

// TestAgainstAllNotes compares with a memory that forgets nothing.
func TestAgainstAllNotes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	type note struct {
		from, to time.Duration
		level    int
	}
	for range 300 {
		var w Demand
		var all []note
		now, level := boot, 0
		for range 40 {
			step := time.Duration(random.Int64N(int64([]time.Duration{minute, time.Hour, 40 * time.Hour}[random.IntN(3)])))
			all = append(all, note{now, now + step, level})
			now += step
			level = random.IntN(100)
			w.Note(now, level)
			since := max(0, now.Truncate(time.Hour)-span)
			want := level
			for _, n := range all {
				if n.to >= since {
					want = max(want, n.level)
				}
			}
			// A level that ends in the first instant of an hour has been in it.
			if got := w.Peak(now); got != want {
				t.Fatalf("peak %d, want %d of %v at %v", got, want, all, now)
			}
		}
	}
}

// TestKept: what is kept comes back, and a note that brings nothing new is
// nothing new to keep.
func TestKept(t *testing.T) {
	var w Demand
	w.Note(boot, 57)
	w.Full(boot, boot+90*minute)
	w.Note(boot+2*time.Hour, 1<<20)
	w.Needs(boot+2*time.Hour, 43)
	got := KeptDemand(w.Words())
	if got.KeepNeed(w.NeedWord()); got != w {
		t.Errorf("got\n%+v\nwant\n%+v", got, w)
	}
	if need := got.Need(boot + 26*time.Hour); need != 43 {
		t.Errorf("a day later %d were needed", need)
	}
	if need := got.Need(boot + 27*time.Hour); need != 0 {
		t.Errorf("it is not forgotten: %d", need)
	}
	same := w
	same.Note(boot+2*time.Hour+minute, 1<<20)
	if same != w {
		t.Errorf("the same again makes of\n%+v\nthis:\n%+v", w, same)
	}
	if got := KeptDemand([DemandWords]uint64{}); got != (Demand{}) {
		t.Errorf("nothing was kept: %+v", got)
	}
}

func TestDemandAllocatesNothing(t *testing.T) {
	var w Demand
	now := boot
	if n := testing.AllocsPerRun(100, func() { now += time.Hour; w.Note(now, 3); w.Full(now-minute, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
