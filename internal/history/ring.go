package history

import (
	"encoding/binary"
	"math"
	"time"
)

// recordSize is that of a step: checksum, the time that it covers in ms, its number, and
// three values for each series.
const (
	recordSize = 128
	valuesAt   = 16
)

var nan = float32(math.NaN())

// Point is one step of a ring.
type Point struct {
	// Covered is how much of the step is known: nothing while no availd ran.
	Covered time.Duration
	// Min and Max are the least and greatest value of each series, Mean that over the time.
	// NaN is not known.
	Min, Mean, Max [Count]float32
}

// missing is a point of which nothing is known.
func missing() (p Point) {
	for i := range p.Mean {
		p.Min[i], p.Mean[i], p.Max[i] = nan, nan, nan
	}
	return p
}

// ring is the records of one length of step.
type ring []byte

func (r ring) at(slot int64) []byte {
	i := int(slot % int64(len(r)/recordSize))
	return r[i*recordSize:][:recordSize]
}

func (r ring) write(slot int64, p *Point) {
	b := r.at(slot)
	binary.LittleEndian.PutUint32(b[4:], uint32(p.Covered/time.Millisecond))
	binary.LittleEndian.PutUint64(b[8:], uint64(slot))
	for i := range int(Count) {
		at := b[valuesAt+12*i:]
		binary.LittleEndian.PutUint32(at, math.Float32bits(p.Min[i]))
		binary.LittleEndian.PutUint32(at[4:], math.Float32bits(p.Mean[i]))
		binary.LittleEndian.PutUint32(at[8:], math.Float32bits(p.Max[i]))
	}
	binary.LittleEndian.PutUint32(b, checksum(b[4:]))
}

// read returns the step of that number; false: there is none.
func (r ring) read(slot int64) (Point, bool) {
	if slot < 0 { // before the machine was started
		return missing(), false
	}
	b := r.at(slot)
	if binary.LittleEndian.Uint64(b[8:]) != uint64(slot) || binary.LittleEndian.Uint32(b) != checksum(b[4:]) {
		return missing(), false
	}
	p := Point{Covered: time.Duration(binary.LittleEndian.Uint32(b[4:])) * time.Millisecond}
	for i := range int(Count) {
		at := b[valuesAt+12*i:]
		p.Min[i] = math.Float32frombits(binary.LittleEndian.Uint32(at))
		p.Mean[i] = math.Float32frombits(binary.LittleEndian.Uint32(at[4:]))
		p.Max[i] = math.Float32frombits(binary.LittleEndian.Uint32(at[8:]))
	}
	return p, true
}

// merge makes one point of the steps from first to last.
func (r ring) merge(first, last int64) Point {
	p := missing()
	var sum, weight [Count]float64
	for slot := first; slot <= last; slot++ {
		q, ok := r.read(slot)
		if !ok {
			continue
		}
		p.Covered += q.Covered
		// One that has just begun, with its first value, counts a little.
		w := max(q.Covered, time.Millisecond).Seconds()
		for i := range int(Count) {
			if q.Mean[i] != q.Mean[i] {
				continue
			}
			sum[i] += w * float64(q.Mean[i])
			weight[i] += w
			if p.Mean[i] != p.Mean[i] {
				p.Min[i], p.Max[i] = q.Min[i], q.Max[i]
			}
			p.Min[i], p.Max[i] = min(p.Min[i], q.Min[i]), max(p.Max[i], q.Max[i])
			p.Mean[i] = float32(sum[i] / weight[i])
		}
	}
	return p
}

// Read returns the last hour and the last day before now, oldest first, from memory of
// [Size] bytes: the last point of each is the step that is under way. What was not kept is a
// point that covers nothing.
func Read(memory []byte, now time.Duration) (hour, day []Point) {
	hour, day = make([]Point, HourPoints), make([]Point, DayPoints)
	ours := IsKept(memory)
	fine, coarse := rings(memory)
	last := int64(now / HourStep)
	for i := range hour {
		hour[i] = missing()
		if slot := last - int64(HourPoints-1-i); ours {
			hour[i], _ = fine.read(slot)
		}
	}
	for i := range day {
		day[i] = missing()
		switch slot := last/ratio - int64(DayPoints-1-i); {
		case !ours:
		case slot == last/ratio:
			day[i] = fine.merge(slot*ratio, last)
		default:
			var kept bool
			if day[i], kept = coarse.read(slot); !kept && slot >= 0 { // availd ended in it
				day[i] = fine.merge(slot*ratio, (slot+1)*ratio-1)
			}
		}
	}
	return hour, day
}
