package rig

import "time"

// MeanWait is how long a request waits on average for one of so many workers, when
// requests come at random at that rate (a second) and take hold on average, exponentially
// distributed: Erlang's second formula, M/M/c. It is negative when that many workers
// cannot do it however long anybody waits.
func MeanWait(rate float64, hold time.Duration, workers int) time.Duration {
	load := rate * hold.Seconds() // as many are busy on average
	if float64(workers) <= load {
		return -1
	}
	blocked := 1.0 // Erlang's first formula, by its recursion over the number of workers
	for n := 1; n <= workers; n++ {
		blocked = load * blocked / (float64(n) + load*blocked)
	}
	waits := blocked / (1 - load/float64(workers)*(1-blocked))
	return time.Duration(waits * float64(hold) / (float64(workers) - load))
}

// Needed is the smallest number of workers with which requests wait no longer than that
// on average.
func Needed(rate float64, hold, wait time.Duration) int {
	for n := 1; ; n++ {
		if w := MeanWait(rate, hold, n); w >= 0 && w <= wait {
			return n
		}
	}
}
