package report

import (
	"bytes"

	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/worker"
)

// maxCount is the largest number of jobs a worker may claim. Far above what
// one process holds, and small enough that sums never overflow.
const maxCount = 1_000_000

// lines are the last values of the names that mean something; nil = not
// there. They alias the datagram.
type lines struct {
	ready, stopping, watchdog, barrier []byte
	avail, jobs, done, status          []byte
}

// Parse fills m with what datagram b says. It leaves the sender's fields
// alone, keeps no reference to b, and allocates only for Status.
//
// The last of two lines of the same name counts, so values are looked at
// only when all lines have been seen. Unknown names, and lines without "=",
// are ignored: the protocol grows that way, sd_notify(3).
func Parse(b []byte, m *Message) {
	m.clear()
	// One trailing NUL comes from senders that count it as text; PID 1
	// tolerates it as well.
	b = bytes.TrimSuffix(b, []byte{0})
	switch {
	case len(b) > worker.MaxReport:
		m.spoil(tooLong)
	case len(b) == 0:
		m.spoil(empty)
	case bytes.IndexByte(b, 0) >= 0:
		m.spoil(notText)
	default:
		m.interpret(split(b))
	}
}

func split(b []byte) (l lines) {
	for len(b) > 0 {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte{'\n'})
		if name, value, ok := bytes.Cut(line, []byte{'='}); ok {
			l.set(name, value)
		}
	}
	return l
}

func (l *lines) set(name, value []byte) {
	switch string(name) {
	case "READY":
		l.ready = value
	case "STOPPING":
		l.stopping = value
	case "WATCHDOG":
		l.watchdog = value
	case "BARRIER":
		l.barrier = value
	case "STATUS":
		l.status = value
	case worker.KeyAvailability:
		l.avail = value
	case worker.KeyJobs:
		l.jobs = value
	case worker.KeyDone:
		l.done = value
	}
}

func (m *Message) interpret(l lines) {
	var ok bool
	if m.Jobs, ok = count(l.jobs); !ok {
		m.spoil(badJobs)
		return
	}
	if m.Done, ok = count(l.done); !ok {
		m.spoil(badDone)
		return
	}
	m.Ready = string(l.ready) == "1"
	m.Stopping = string(l.stopping) == "1"
	m.Watchdog = string(l.watchdog) == "1"
	m.Trigger = string(l.watchdog) == "trigger"
	m.Barrier = string(l.barrier) == "1"
	m.Avail = availability(l.avail)
	if l.status != nil {
		m.Status, m.HasStatus = prose.PrintableBytes(string(l.status), worker.MaxStatus), true
	}
}

func availability(value []byte) Availability {
	switch {
	case value == nil:
		return None
	case string(value) == worker.ValueIdle:
		return Idle
	case string(value) == worker.ValueBusy:
		return Busy
	}
	return Nonsense
}

// count reads a decimal number. A value that is not there is -1, and fine.
func count(value []byte) (n int, ok bool) {
	if value == nil {
		return -1, true
	}
	if len(value) == 0 || len(value) > len("1000000") {
		return -1, false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return -1, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n <= maxCount
}
