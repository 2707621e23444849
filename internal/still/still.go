// Package still keeps a process asleep for which there is nothing to do.
//
// The monitor thread of Go's runtime looks around once a minute even then: a
// collection of garbage is due two minutes after the last one, and it wakes at
// half of that period (sysmon in the runtime's proc.go). What does not run
// leaves no garbage.
package still

// What a binary has to be built with, and linked with, for [Sleep]; the Makefile does.
const (
	Tag        = "stillruntime"
	LinkerFlag = "-checklinkname=0"
)

// Sleep has the monitor thread sleep until something happens, and reports
// whether that can be had: in a binary that was not built for it, or with a
// runtime that does it another way, nothing changes. Garbage is then collected
// when the heap has grown (GOGC of package runtime), not by the clock.
func Sleep() bool { return sleep() }
