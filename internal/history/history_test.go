package history

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const boot = 77 * time.Hour // the clock does not begin at 0

// pool is a history with its memory.
type pool struct {
	*History
	memory []byte
}

func newPool() pool {
	memory := make([]byte, Size)
	return pool{New(memory), memory}
}

// next is what the next process makes of the memory.
func (p pool) next() pool {
	memory := slices.Clone(p.memory)
	return pool{New(memory), memory}
}

func (p pool) read(now time.Duration) (hour, day []Point) { return Read(p.Save(now), now) }

// busy is a pool with so many busy workers, of 9.
func busy(n int) Sample {
	return Sample{Busy: n, Idle: 9 - n, Limit: 9, Counted: true, Requests: uint64(100 * n)}
}

func expect(t *testing.T, what string, p Point, s Series, least, mean, most float64) {
	t.Helper()
	near := func(got float32, want float64) bool {
		return math.IsNaN(want) && got != got || math.Abs(float64(got)-want) <= 1e-4*math.Max(1, math.Abs(want))
	}
	if !near(p.Min[s], least) || !near(p.Mean[s], mean) || !near(p.Max[s], most) {
		t.Errorf("%s: series %d is %v, %v, %v; want %v, %v, %v", what, s, p.Min[s], p.Mean[s], p.Max[s], least, mean, most)
	}
}

// TestStep: a step has the least, the mean over the time, and the greatest.
func TestStep(t *testing.T) {
	p := newPool()
	p.Note(boot, busy(2))
	p.Note(boot+4*time.Second, busy(7))
	p.Note(boot+5*time.Second, busy(4))
	p.Peak(Busy, 8)
	p.Note(boot+10*time.Second, busy(0))
	hour, day := p.read(boot + 12*time.Second)
	last := hour[HourPoints-2]
	expect(t, "busy", last, Busy, 2, (2*4+7+4*5)/10.0, 8)
	expect(t, "idle", last, Idle, 2, 9-(2*4+7+4*5)/10.0, 7)
	expect(t, "limit", last, Limit, 9, 9, 9)
	expect(t, "requests", last, Rate, 50, 50, 50) // 200, 700; 400 is a counter that began anew
	expect(t, "wait", last, Wait, 0, 0, 0)
	open := hour[HourPoints-1]
	expect(t, "the open step", open, Busy, 0, 0, 4) // with which it began
	if last.Covered != HourStep || open.Covered != 2*time.Second {
		t.Errorf("they cover %v and %v", last.Covered, open.Covered)
	}
	expect(t, "the day", day[DayPoints-1], Busy, 0, 3.5*10/12, 8)
	if before := hour[HourPoints-3]; before.Covered != 0 {
		t.Errorf("before the first note: %+v", before)
	}
}

// TestUnknown: what is not known is no number, and takes no part in a mean.
func TestUnknown(t *testing.T) {
	p := newPool()
	p.Note(boot, Sample{Busy: None, Idle: None, Unknown: 3, Limit: None, Queue: None, Wait: -1})
	p.Note(boot+8*time.Second, Sample{Busy: 3, Limit: None, Queue: None, Wait: -1})
	hour, _ := p.read(boot + 10*time.Second)
	last, none := hour[HourPoints-2], math.NaN()
	expect(t, "busy", last, Busy, 3, 3, 3)
	expect(t, "unknown", last, Unknown, 0, 2.4, 3)
	for _, s := range []Series{Limit, Queue, Wait, Rate} {
		expect(t, "not known", last, s, none, none, none)
	}
}

// TestGap: nobody is awake, and the pool is as it was; requests that were counted
// afterwards are spread over the time.
func TestGap(t *testing.T) {
	for _, gap := range []time.Duration{
		time.Millisecond, 9 * time.Second, 10 * time.Second, 11 * time.Second, 5 * time.Minute, 40 * time.Minute,
		time.Hour, 61 * time.Minute, 3 * time.Hour, 24 * time.Hour, 24*time.Hour + DayStep, 30 * time.Hour, 1000 * time.Hour,
	} {
		p := newPool()
		begin := boot + 3*time.Second
		p.Note(begin, busy(5))
		after := busy(5)
		after.Requests += uint64(2 * gap.Seconds())
		p.Note(begin+gap, after)
		now := begin + gap + 5*time.Second
		hour, day := p.read(now)
		for _, ring := range []struct {
			points []Point
			step   time.Duration
		}{{hour, HourStep}, {day, DayStep}} {
			first := now.Truncate(ring.step) - time.Duration(len(ring.points)-1)*ring.step
			for i, point := range ring.points {
				from := max(first+time.Duration(i)*ring.step, begin)
				until := min(first+time.Duration(i+1)*ring.step, now)
				if want := max(0, until-from); point.Covered != want {
					t.Fatalf("after %v: point %d of %d covers %v, want %v", gap, i, len(ring.points), point.Covered, want)
				}
				if point.Covered > 0 {
					expect(t, gap.String(), point, Busy, 5, 5, 5)
				}
				if full := point.Covered == ring.step && until <= begin+gap; full && gap > time.Minute {
					if rate := point.Mean[Rate]; math.Abs(float64(rate)-2) > 0.01 {
						t.Errorf("after %v: point %d has %v requests a second", gap, i, rate)
					}
				}
			}
		}
	}
}

// moment is a note of the model.
type moment struct {
	at time.Duration
	s  Sample
}

// model works the points out from all notes, one after the other.
func model(notes []moment, now, step time.Duration, n int) (points []Point) {
	first := now.Truncate(step) - time.Duration(n-1)*step
	for i := range n {
		from, until := first+time.Duration(i)*step, min(first+time.Duration(i+1)*step, now)
		p, sum := missing(), 0.0
		for k, m := range notes {
			end := now
			if k+1 < len(notes) {
				end = notes[k+1].at
			}
			a, b := max(m.at, from), min(end, until)
			// A value counts where it began, and where it was at a boundary, be it for no time.
			if b < a || a == until && until < now || m.at != a && a == b && b != from {
				continue
			}
			v := float32(m.s.Busy)
			if p.Covered += b - a; sum == 0 && p.Min[Busy] != p.Min[Busy] {
				p.Min[Busy], p.Max[Busy] = v, v
			}
			p.Min[Busy], p.Max[Busy] = min(p.Min[Busy], v), max(p.Max[Busy], v)
			sum += float64(v) * (b - a).Seconds()
		}
		if p.Covered > 0 {
			p.Mean[Busy] = float32(sum / p.Covered.Seconds())
		}
		points = append(points, p)
	}
	return points
}

// TestModel notes pools that change at any time, for longer than the rings are, and
// compares with the model. It reads in between, which must change nothing.
func TestModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	p := newPool()
	var notes []moment
	now := boot
	pauses := []time.Duration{0, time.Millisecond, time.Second, 7 * time.Second, HourStep, time.Minute, 2 * DayStep, 90 * time.Minute}
	for now < boot+60*time.Hour {
		s := busy(random.IntN(10))
		p.Note(now, s)
		if k := len(notes) - 1; k >= 0 && notes[k].s == s {
			// the same goes on
		} else {
			notes = append(notes, moment{now, s})
		}
		if random.IntN(50) == 0 {
			compare(t, p, notes, now)
		}
		now += time.Duration(random.Int64N(int64(pauses[random.IntN(len(pauses))]) + 1))
	}
	compare(t, p, notes, now)
}

func compare(t *testing.T, p pool, notes []moment, now time.Duration) {
	t.Helper()
	// What is older than a day says nothing any more.
	for len(notes) > 2 && notes[1].at < now-25*time.Hour {
		notes = notes[1:]
	}
	hour, day := p.read(now)
	for _, ring := range []struct {
		name      string
		got, want []Point
	}{{"hour", hour, model(notes, now, HourStep, HourPoints)}, {"day", day, model(notes, now, DayStep, DayPoints)}} {
		for i, want := range ring.want {
			got := ring.got[i]
			if d := got.Covered - want.Covered; d < -time.Second || d > time.Second {
				t.Fatalf("%s, point %d at %v: covers %v, want %v", ring.name, i, now, got.Covered, want.Covered)
			}
			if want.Covered < time.Second {
				continue
			}
			if math.Abs(float64(got.Mean[Busy]-want.Mean[Busy])) > 0.02 || got.Min[Busy] != want.Min[Busy] || got.Max[Busy] != want.Max[Busy] {
				t.Fatalf("%s, point %d at %v: %v %v %v, want %v %v %v", ring.name, i, now,
					got.Min[Busy], got.Mean[Busy], got.Max[Busy], want.Min[Busy], want.Mean[Busy], want.Max[Busy])
			}
		}
	}
}

// TestNextProcess goes on where the one before it has saved, or was killed.
func TestNextProcess(t *testing.T) {
	p := newPool()
	for i := range 1000 {
		p.Note(boot+time.Duration(i)*2*time.Second, busy(i%5))
	}
	now := boot + 1999*time.Second
	hour, day := p.read(now)
	q := p.next()
	q.Note(now, busy(4))
	again, dayAgain := q.read(now)
	for i := range hour {
		if i < HourPoints-1 && !same(hour[i], again[i]) {
			t.Fatalf("point %d is %+v, was %+v", i, again[i], hour[i])
		}
	}
	for i := range day[:DayPoints-1] {
		if !same(day[i], dayAgain[i]) {
			t.Fatalf("point %d of the day is %+v, was %+v", i, dayAgain[i], day[i])
		}
	}
	if got, want := again[HourPoints-1], hour[HourPoints-1]; got.Covered != want.Covered || got.Min[Busy] != want.Min[Busy] {
		t.Errorf("the open step is %+v, was %+v", got, want)
	}

	// This one is killed: the open step is lost, and the time until the next one is not known.
	killed := newPool()
	killed.Note(boot, busy(3))
	killed.Note(boot+25*time.Second, busy(3))
	killed.Note(boot+29*time.Second, busy(9))
	next := killed.next()
	next.Note(boot+58*time.Second, busy(1))
	hour, _ = next.read(boot + 61*time.Second)
	for i, want := range []time.Duration{HourStep, HourStep, 0, 0, 0, 2 * time.Second, time.Second} {
		if got := hour[HourPoints-7+i].Covered; got != want {
			t.Errorf("step %d covers %v, want %v", i, got, want)
		}
	}
}

// same: NaN is NaN.
func same(a, b Point) bool {
	for i := range a.Mean {
		for _, v := range [][2]float32{{a.Min[i], b.Min[i]}, {a.Mean[i], b.Mean[i]}, {a.Max[i], b.Max[i]}} {
			if math.Float32bits(v[0]) != math.Float32bits(v[1]) {
				return false
			}
		}
	}
	return a.Covered == b.Covered
}

// TestDamage: a record that was cut off, or is of an earlier round, is none.
func TestDamage(t *testing.T) {
	p := newPool()
	for i := range 8 {
		p.Note(boot+time.Duration(i)*HourStep, busy(i))
	}
	now := boot + 7*HourStep + time.Second
	p.Save(now)
	slot := int64(boot/HourStep) + 3
	p.hour.at(slot)[60]++
	hour, day := Read(p.memory, now)
	if at := hour[HourPoints-1-4]; at.Covered != 0 || at.Mean[Busy] == at.Mean[Busy] {
		t.Errorf("a damaged record is %+v", at)
	}
	if want := 6*HourStep + time.Second; day[DayPoints-1].Covered != want {
		t.Errorf("the day covers %v, want %v", day[DayPoints-1].Covered, want)
	}
	hour, _ = Read(p.memory, now+2*time.Hour)
	for i, point := range hour {
		if point.Covered != 0 {
			t.Errorf("two hours later point %d is %+v", i, point)
		}
	}
	p.memory[20]++ // the version
	if IsKept(p.memory) {
		t.Error("another layout is taken for ours")
	}
	if hour, _ = Read(p.memory, now); hour[HourPoints-1].Covered != 0 {
		t.Error("another layout is read")
	}
	if q := p.next(); !IsKept(q.memory) || slices.Max(q.memory[headerSize:]) != 0 {
		t.Error("another layout is not begun anew")
	}
}

// TestAfterBoot: the clock is younger than the rings are long.
func TestAfterBoot(t *testing.T) {
	p := newPool()
	p.Note(2*time.Second, busy(1))
	hour, day := p.read(31 * time.Second)
	if len(hour) != HourPoints || len(day) != DayPoints || day[DayPoints-1].Covered != 29*time.Second || day[0].Covered != 0 {
		t.Errorf("%d and %d points, the last %+v", len(hour), len(day), day[DayPoints-1])
	}
}

// TestCost: a note allocates nothing, also after a day.
func TestCost(t *testing.T) {
	p := newPool()
	now := boot
	for _, gap := range []time.Duration{time.Millisecond, HourStep, 25 * time.Hour} {
		n := 0
		if allocated := testing.AllocsPerRun(100, func() { now += gap; n++; p.Note(now, busy(n%9)) }); allocated != 0 {
			t.Errorf("a note after %v allocates %v times", gap, allocated)
		}
	}
}

func BenchmarkNote(b *testing.B) {
	p := newPool()
	for i := range b.N {
		p.Note(boot+time.Duration(i)*10*time.Microsecond, busy(i%9))
	}
}

func BenchmarkNoteAfterADay(b *testing.B) {
	p := newPool()
	for i := range b.N {
		p.Note(boot+time.Duration(i)*24*time.Hour, busy(i%9))
	}
}
