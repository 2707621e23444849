package state

import "time"

// span is how far a window looks back. The hour that is running is added to it.
const span = 24 * time.Hour

// Hours are kept whole; the oldest gives its place to the one that is running.
const hours = int(span/time.Hour) + 1

// Demand remembers, hour by hour, how many workers a service has needed in the last 24
// hours and how long it was full: what an administrator wants to know who chooses a limit.
// The zero value has seen nothing.
//
// It is data and arithmetic: no clock, no timer, a fixed size. Hours are those of the
// monotonic clock, counted from its epoch, so they mean the same in another process of the
// same boot. An hour in which nobody noted anything was as the last note says.
type Demand struct {
	// Newest is the number of the latest hour that is open, Level what the
	// latest note said. A note that brings nothing new changes nothing.
	Newest int64
	Level  int
	// Hours are found by the number of the hour, modulo their count.
	Hours [hours]Hour
}

// Hour is one of them.
type Hour struct {
	Peak int           // most workers needed at once
	Full time.Duration // so long no worker was free, and none could be added
	Need int           // the limit that a full pool should have had; 0 = not known
}

// Note says that from now on so many workers are needed. now does not run
// backwards.
func (w *Demand) Note(now time.Duration, level int) {
	w.reach(now)
	w.Level = level
	h := w.hour(now)
	h.Peak = max(h.Peak, level)
}

// Needs says that a pool that is full now should have had so many workers.
func (w *Demand) Needs(now time.Duration, workers int) {
	w.reach(now)
	h := w.hour(now)
	h.Need = max(h.Need, workers)
}

// Need is the largest limit that a full pool should have had; 0 = it was not full, or
// that is not known.
func (w Demand) Need(now time.Duration) int {
	w.reach(now)
	most := 0
	for _, h := range w.Hours {
		most = max(most, h.Need)
	}
	return most
}

// Full says that the service was full from one moment to another.
func (w *Demand) Full(from, to time.Duration) {
	w.reach(to)
	for from < to {
		end := min(to, from.Truncate(time.Hour)+time.Hour)
		if from >= w.begin(to) {
			w.hour(from).Full += end - from
		}
		from = end
	}
}

// Peak is the most that was needed at once, up to now.
func (w Demand) Peak(now time.Duration) int {
	w.reach(now)
	most := 0
	for _, h := range w.Hours {
		most = max(most, h.Peak)
	}
	return most
}

// FullFor is how long the service was full, up to now.
func (w Demand) FullFor(now time.Duration) time.Duration {
	w.reach(now)
	var sum time.Duration
	for _, h := range w.Hours {
		sum += h.Full
	}
	return sum
}

// reach opens the hours up to now, each with the level that was noted before
// it; those that are too old are gone then.
func (w *Demand) reach(now time.Duration) {
	last := int64(now / time.Hour)
	for n := max(w.Newest+1, last-int64(hours)+1); n <= last; n++ {
		w.Hours[n%int64(hours)] = Hour{Peak: w.Level}
	}
	w.Newest = max(w.Newest, last)
}

// begin is the beginning of the oldest hour that is kept.
func (w *Demand) begin(now time.Duration) time.Duration {
	return max(0, now.Truncate(time.Hour)-span)
}

func (w *Demand) hour(at time.Duration) *Hour {
	return &w.Hours[int(at/time.Hour)%hours]
}
