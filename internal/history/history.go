// Package history keeps what a pool was like in the last hour and in the last day, and the
// latest messages about it, in memory of a fixed size that may outlive the process.
//
// A pool is a [Sample] from one moment on until the next one: whoever notes samples does so
// when something has changed, or when it is awake anyway, and nobody has to wake for a
// point of time to be kept. What lies between two notes is as the first of them says, for
// as long as that takes; requests that were counted meanwhile are spread over it.
//
// Each hour is kept in steps of ten seconds, each day in steps of five minutes, by the least
// value of a step, the mean over its time, and the greatest. Times are those of a clock that
// does not run backwards (CLOCK_MONOTONIC), so setting the time of day moves nothing.
//
// # Layout
//
// Little endian. A header of 64 bytes (checksum, magic, version, sizes), the records of the
// hour, those of the day, then those of messages. A record is found by the number of its
// step, modulo how many there are, and has that number and a checksum: one that a SIGKILL
// has cut off, and one of an earlier round, is none. A step that is not over is written when
// somebody asks, and before another image of the process takes over. So a crash loses the
// last ten seconds at most. Memory of another version is taken for empty.
package history

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"time"
)

// version of the layout. It changes whenever the layout does: what is in here is worth a
// day at most.
const version = 1

const (
	magic      = 0x3174736969766100 // "\0aviist1", little endian
	headerSize = 64
)

// Steps of the two rings, and how many of each are kept.
const (
	HourStep   = 10 * time.Second
	DayStep    = 5 * time.Minute
	HourPoints = int(time.Hour / HourStep)
	DayPoints  = int(24 * time.Hour / DayStep)

	ratio = int64(DayStep / HourStep)
)

// Size is how many bytes of memory all of it takes. What was never written need not be
// there: a file without content in it will do.
const Size = headerSize + (HourPoints+DayPoints)*recordSize + eventsSize

// Series is one of the figures that are kept.
type Series int

// The series. Numbers of workers are disjoint.
const (
	Busy     Series = iota
	Idle            // can take a connection
	Unknown         // idle or busy, where workers do not report
	Starting        // spawned, and not ready
	Retiring        // asked to retire
	Limit           // most workers; not known where there is no limit
	Queue           // connections that nobody has accepted
	Wait            // seconds that the oldest of them has waited
	Rate            // requests done in a second
	Count           // of the series
)

// None is the value of an int in a [Sample] that is not known.
const None = -1

// Sample is what a pool is like from a moment on. Busy, Idle, Limit, Queue and Wait are
// negative where that is not known.
type Sample struct {
	Busy, Idle, Unknown, Starting, Retiring, Limit, Queue int

	Wait time.Duration
	// Requests were done since the service began; Counted is false where nobody counts.
	Requests uint64
	Counted  bool
}

// History is the two rings. It belongs to one goroutine. Use [New].
type History struct {
	memory    []byte
	hour, day ring

	begun  bool
	sample Sample         // the latest
	level  [Count]float32 // what it means
	noted  time.Duration  // when it was
	slot   int64          // the step that is open
	open   sums           // of it
	at     time.Duration  // up to here it is summed up
}

// New takes over what is in memory, which has [Size] bytes, if it is of this layout; else
// it begins anew.
func New(memory []byte) *History {
	if !IsKept(memory) {
		if slices.Max(memory[:headerSize]) > 0 { // else nobody has written there, and it is not to be touched
			clear(memory)
		}
		writeHeader(memory)
	}
	h := &History{memory: memory}
	h.hour, h.day = rings(memory)
	return h
}

func rings(memory []byte) (hour, day ring) {
	rest := memory[headerSize:]
	return ring(rest[:HourPoints*recordSize]), ring(rest[HourPoints*recordSize:][:DayPoints*recordSize])
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// sizes are what a reader has to agree on.
var sizes = [...]uint32{version, recordSize, uint32(HourPoints), uint32(DayPoints), eventSize, maxEvents}

func writeHeader(memory []byte) {
	h := memory[:headerSize]
	binary.LittleEndian.PutUint64(h[8:], magic)
	for i, n := range sizes {
		binary.LittleEndian.PutUint32(h[16+4*i:], n)
	}
	binary.LittleEndian.PutUint32(h, checksum(h[8:]))
}

// IsKept reports whether an earlier process has kept its history in memory, in this layout.
func IsKept(memory []byte) bool {
	if len(memory) != Size {
		panic("history: memory of another size than Size")
	}
	h := memory[:headerSize]
	ours := binary.LittleEndian.Uint64(h[8:]) == magic && binary.LittleEndian.Uint32(h) == checksum(h[8:])
	for i, n := range sizes {
		ours = ours && binary.LittleEndian.Uint32(h[16+4*i:]) == n
	}
	return ours
}

// Note says what the pool is like from now on. now does not run backwards. While nothing
// changes but the number of requests it costs a comparison, and it allocates nothing.
func (h *History) Note(now time.Duration, s Sample) {
	if !h.begun {
		h.begin(now, s)
		return
	}
	done := 0.0
	if s.Counted && h.sample.Counted && s.Requests >= h.sample.Requests {
		done = float64(s.Requests - h.sample.Requests)
	}
	same := s.sameLevel(&h.sample)
	if now < h.end() && (same || now == h.at) {
		h.open.requests += done
	} else {
		h.advance(now, done)
	}
	if h.sample, h.noted = s, now; !same {
		h.level = s.levels()
		h.open.touch(&h.level)
	}
}

// Peak says that a figure was so large for a moment before now, which no sample shows.
func (h *History) Peak(s Series, value int) {
	if h.begun {
		h.open.most[s] = max(h.open.most[s], float32(value))
	}
}

// sameLevel: they differ in requests at most.
func (s *Sample) sameLevel(o *Sample) bool {
	return s.Busy == o.Busy && s.Idle == o.Idle && s.Unknown == o.Unknown && s.Starting == o.Starting && s.Retiring == o.Retiring &&
		s.Limit == o.Limit && s.Queue == o.Queue && s.Wait == o.Wait && s.Counted == o.Counted
}

// levels are the values of the series but the rate, which is counted.
func (s *Sample) levels() (l [Count]float32) {
	for i, n := range [...]int{Busy: s.Busy, Idle: s.Idle, Unknown: s.Unknown, Starting: s.Starting, Retiring: s.Retiring, Limit: s.Limit, Queue: s.Queue} {
		l[i] = nan
		if n >= 0 {
			l[i] = float32(n)
		}
	}
	l[Wait], l[Rate] = nan, nan
	if s.Wait >= 0 {
		l[Wait] = float32(s.Wait.Seconds())
	}
	return l
}

// begin opens the step of now. An earlier process may have begun it.
func (h *History) begin(now time.Duration, s Sample) {
	h.begun, h.sample, h.level = true, s, s.levels()
	h.noted, h.at, h.slot = now, now, int64(now/HourStep)
	h.open = sums{}
	if p, ok := h.hour.read(h.slot); ok {
		h.open = resumed(p)
	}
	h.open.touch(&h.level)
}

// end is where the open step ends.
func (h *History) end() time.Duration { return time.Duration(h.slot+1) * HourStep }

// advance sums up to now. So many requests were done since the latest note.
func (h *History) advance(now time.Duration, done float64) {
	perSecond := 0.0
	if now > h.noted {
		perSecond = done / (now - h.noted).Seconds()
	} else {
		h.open.requests += done
	}
	for {
		until := min(now, h.end())
		h.open.add(&h.level, until-h.at, perSecond*(until-min(until, max(h.at, h.noted))).Seconds())
		if h.at = until; until == now && now < h.end() {
			return
		}
		h.close(h.slot, h.open.point(h.sample.Counted))
		h.slot++
		h.skip(now, perSecond)
		h.at = time.Duration(h.slot) * HourStep
		h.open = sums{}
		h.open.touch(&h.level)
	}
}

// close writes a step that is over, and that of the day which ends with it.
func (h *History) close(slot int64, p Point) {
	h.hour.write(slot, &p)
	if (slot+1)%ratio == 0 {
		p = h.hour.merge(slot+1-ratio, slot)
		h.day.write(slot/ratio, &p)
	}
}

// skip leaves out steps that the ring of the hour would not keep until now, in which the
// pool did not change: those of the day are written in their place.
func (h *History) skip(now time.Duration, perSecond float64) {
	last := int64(now / HourStep)
	if h.slot%ratio != 0 {
		return
	}
	if oldest := (last/ratio - int64(DayPoints)) * ratio; h.slot < oldest {
		h.slot = oldest
	}
	p := Point{Covered: DayStep, Min: h.level, Mean: h.level, Max: h.level}
	if h.sample.Counted {
		p.Min[Rate], p.Mean[Rate], p.Max[Rate] = float32(perSecond), float32(perSecond), float32(perSecond)
	}
	for ; h.slot+ratio+int64(HourPoints) <= last; h.slot += ratio {
		h.day.write(h.slot/ratio, &p)
	}
}

// Save writes the step that is open, as far as it has come, and returns the memory: for who
// reads it with [Read], and for the next process.
func (h *History) Save(now time.Duration) []byte {
	if h.begun {
		h.Note(now, h.sample)
		open := h.open
		open.add(&h.level, now-h.at, 0)
		p := open.point(h.sample.Counted)
		h.hour.write(h.slot, &p)
	}
	return h.memory
}
