package activity

import (
	"strings"

	"github.com/availd/availd/internal/procfs"
)

// doing is what one thread of a process does.
type doing struct {
	rank  int
	state byte
	class class  // of the call
	call  string // its name
	text  string // what it is about, where that is known at once
	files []file // … and where it is about descriptors
	wchan string
	seen  bool // the call may be seen
}

// mostThreads bounds how many threads of a process are looked at.
const mostThreads = 128

// doing looks at all threads.
func (l *Looker) doing(pid int) (list []doing) {
	threads, _ := procfs.Threads(pid)
	native := procfs.IsNative(pid)
	for _, thread := range threads[:min(len(threads), mostThreads)] {
		list = append(list, l.thread(pid, thread, native))
	}
	return list
}

// pick picks the thread that most likely has the request. Of a server that has a thread for
// each connection most may wait for the next request of theirs, and the one that waits for
// a database has it.
func (s *sockets) pick(list []doing) (best doing) {
	for i, d := range list {
		if len(list) > 1 && d.hears() && s.onlyClients(d.files) {
			d.rank = min(d.rank-1, clientRank)
		}
		if i == 0 || d.rank > best.rank {
			best = d
		}
	}
	return best
}

// clientRank is the rank of a thread that waits for its client to say something.
const clientRank = 11

// hears reports whether a call waits for something to come.
func (d *doing) hears() bool {
	switch d.class {
	case polls, selects, epolls:
		return true
	default:
		return d.class == onFile && (strings.HasPrefix(d.call, "read") || strings.HasPrefix(d.call, "recv"))
	}
}

// thread looks at one thread. Its rank says how likely it is the one that has the request:
// others of a program wait for work, or for a time.
func (l *Looker) thread(pid, thread int, native bool) (d doing) {
	d.state = procfs.ThreadState(pid, thread)
	c, inCall, err := procfs.CallOf(pid, thread)
	d.seen = err == nil && native
	if d.seen && inCall {
		l.understand(&d, pid, thread, c)
	}
	switch {
	case d.state == 0:
		return doing{}
	case d.state == 'D':
		d.rank = 18
	case d.state == 'R':
		d.rank = 16
	case d.state == 'T' || d.state == 't':
		d.rank = 2
	case !d.seen:
		d.wchan, d.rank = procfs.Wchan(pid, thread), 2
	default:
		d.rank = d.class.rank()
		if d.onlyQueues() { // it waits for the next client
			d.rank = 4
		}
	}
	return d
}

// onlyQueues reports whether a wait is for listening sockets alone.
func (d *doing) onlyQueues() bool {
	for _, f := range d.files {
		if !f.queue {
			return false
		}
	}
	return len(d.files) > 0
}

// describe writes down what was found.
func (d *doing) describe(a *Activity, s *sockets) {
	if d.state == 0 {
		a.PID = 0
		return
	}
	a.State, a.Call = string(d.state), d.call
	a.On = d.text
	if a.On == "" {
		a.On = s.describe(d.files)
	}
	switch {
	case d.state == 'R':
		a.Kind = Computes
	case d.state == 'D':
		a.Kind = Stuck
	case d.state == 'T' || d.state == 't':
		a.Kind = Stopped
	case !d.seen:
		a.Kind, a.On = Hidden, d.wchan
	case d.class == sleeping:
		a.Kind = Sleeps
	default:
		a.Kind = Waits
	}
}

// mostNamed is how many descriptors of one wait are named.
const mostNamed = 3

func (s *sockets) describe(files []file) string {
	var names []string
	more := 0
	for _, f := range files {
		switch name := s.name(f); {
		case f.queue && len(files) > 1, name == "":
		case len(names) == mostNamed:
			more++
		default:
			names = append(names, name)
		}
	}
	text := strings.Join(names, ", ")
	if more > 0 {
		text += " and others"
	}
	return text
}
