package harness

import (
	"slices"
	"sync"
	"time"
)

// Sampler counts the workers of a service from outside, by looking at its
// control group every few milliseconds.
type Sampler struct {
	stop chan struct{}
	seen chan Samples
}

// Samples is what a Sampler saw.
type Samples struct {
	Max     int           // most workers at once
	Last    int           // workers in the last look
	Pids    []int         // every worker seen, sorted
	Looks   int           // how often it looked
	Longest time.Duration // longest pause between two looks: what was shorter may be missed
}

const sampleEvery = 2 * time.Millisecond

// Sample begins to look. The caller calls Stop.
func (u *Unit) Sample() *Sampler {
	known := map[Process]bool{}
	return sample(func() []Process { return workersAmong(u.Processes(), known) })
}

func sample(workers func() []Process) *Sampler {
	s := &Sampler{stop: make(chan struct{}), seen: make(chan Samples, 1)}
	go s.run(workers)
	return s
}

// Stop ends the looking, after a last look, and returns what was seen.
func (s *Sampler) Stop() Samples {
	close(s.stop)
	return <-s.seen
}

func (s *Sampler) run(workers func() []Process) {
	var got Samples
	pids := map[int]bool{}
	last := time.Now()
	for over := false; ; {
		now := time.Now()
		got.Longest = max(got.Longest, now.Sub(last))
		last = now
		all := workers()
		lookAgain := sync.OnceValue(workers)
		for _, p := range all {
			pids[p.PID] = true
		}
		got.Looks++
		got.Last = len(all)
		if len(all) > got.Max {
			// The kernel's list is not of one moment: it may have a worker that ended while
			// it was read, and the one that was started for it. Whoever is in the next one,
			// too, was there between the two.
			all = slices.DeleteFunc(all, func(p Process) bool { return !slices.Contains(lookAgain(), p) })
			got.Max = max(got.Max, len(all))
		}
		if over {
			break
		}
		select {
		case <-s.stop:
			over = true
		case <-Again(sampleEvery, now):
		}
	}
	for pid := range pids {
		got.Pids = append(got.Pids, pid)
	}
	slices.Sort(got.Pids)
	s.seen <- got
}
