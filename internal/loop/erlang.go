package loop

import "time"

// This file calculates how many workers a load needs. overload.go calls workersFor when it
// books what a stretch of a full pool has shown.

// mostWorkers bounds what workersFor returns.
const mostWorkers = 1_000_000

// workersFor is the smallest number of workers with which clients wait for no longer than
// wait on average, if load of them are busy on average and each request takes work: the
// formula that is known as Erlang's C, for clients that come at random.
func workersFor(load float64, work, wait time.Duration) int {
	blocked := 1.0 // the share that finds all of n workers busy and leaves (Erlang's B), of n = 0
	for n := 1; n < mostWorkers; n++ {
		blocked = load * blocked / (float64(n) + load*blocked)
		free := float64(n) - load
		if free <= 0 {
			continue
		}
		waits := blocked / (1 - load/float64(n)*(1-blocked))
		if waits*float64(work)/free <= float64(wait) {
			return n
		}
	}
	return mostWorkers
}
