package rig

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
)

// Moment is a time of CLOCK_MONOTONIC in nanoseconds, which all processes share.
type Moment int64

// Now is the present one.
func Now() Moment {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // it cannot fail for this clock
	return Moment(now.Nano())
}

// Since is the time from one to this.
func (m Moment) Since(begin Moment) time.Duration { return time.Duration(m - begin) }

// Watch looks at the workers of a server again and again, from outside.
type Watch struct {
	stop  chan struct{}
	over  sync.WaitGroup
	looks []Look
}

// Look is what was there at one moment.
type Look struct {
	At   Moment
	Pids []int // sorted
}

const watchEvery = 20 * time.Millisecond

// Watch begins to look. The caller calls Stop.
func (s *Server) Watch() *Watch {
	w := &Watch{stop: make(chan struct{})}
	w.over.Go(func() {
		for {
			began := time.Now()
			look := Look{At: Now()}
			for _, p := range s.Workers() {
				look.Pids = append(look.Pids, p.PID)
			}
			slices.Sort(look.Pids)
			w.looks = append(w.looks, look)
			select {
			case <-harness.Again(watchEvery, began):
			case <-w.stop:
				return
			}
		}
	})
	return w
}

// Stop ends it, and returns the looks.
func (w *Watch) Stop() Looks {
	close(w.stop)
	w.over.Wait()
	return w.looks
}

// Looks are several, oldest first.
type Looks []Look

// Reached is how long after a moment there were so many workers for the first time;
// negative when that was never so.
func (l Looks) Reached(n int, since Moment) time.Duration {
	for _, look := range l {
		if look.At >= since && len(look.Pids) >= n {
			return look.At.Since(since)
		}
	}
	return -1
}

// Count is the median number of workers between two moments.
func (l Looks) Count(from, to Moment) int {
	var counts []float64
	for _, look := range l {
		if look.At >= from && look.At < to {
			counts = append(counts, float64(len(look.Pids)))
		}
	}
	return int(Median(counts))
}

// Ended calls f with each worker's end: the moment of the look that no longer saw it.
func (l Looks) Ended(f func(at Moment)) {
	for i := 1; i < len(l); i++ {
		for _, pid := range l[i-1].Pids {
			if _, there := slices.BinarySearch(l[i].Pids, pid); !there {
				f(l[i].At)
			}
		}
	}
}
