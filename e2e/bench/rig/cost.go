package rig

import (
	"time"

	"github.com/availd/availd/e2e/guest/harness"
)

// Meter tells what a process has cost since it was begun.
type Meter struct {
	process  harness.Process
	ran      time.Duration
	switches int64
}

// Measure begins.
func Measure(p harness.Process) Meter {
	return Meter{process: p, ran: p.Ran(), switches: p.Switches()}
}

// AllRan is the processor time of the program and of all that descends from it.
func (s *Server) AllRan() (sum time.Duration) {
	for _, p := range s.Family() {
		sum += p.Ran()
	}
	return sum
}

// Read returns the processor time and the wake-ups of all its threads.
func (m Meter) Read() (ran time.Duration, wakeups int64) {
	return m.process.Ran() - m.ran, m.process.Switches() - m.switches
}
