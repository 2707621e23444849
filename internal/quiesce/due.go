package quiesce

import (
	"time"

	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/policy"
)

// This file finds requests that take long without a look at every worker each time. The
// kernel's list says of all TCP connections at once how much has gone which way and when: as
// long as no request can be as old as somebody asks for, no process is looked at. One that can
// be is looked for at the descriptor where its worker had the one before. A whole look at 200
// workers takes 15 to 25 ms of a processor, and so could be made every 3 to 5 s: of requests
// of 1.5 s that were to be told after 1 s, none was.
//
// What is said of a request is what a whole look says of it, or less: it begins no earlier,
// and before it is as old as asked for, that the worker has it is looked at again; where the
// worker is ended for it, at each look.

// Limits are the ages of requests that are looked for; 0 = none.
type Limits struct {
	Slow time.Duration // it is told once
	Busy time.Duration // the worker is ended
}

const (
	// tolerance is by how much two clocks and two looks may differ about an age: a request is
	// looked at that may be too old by the time it is heard of.
	tolerance = 100 * time.Millisecond
	// mostClosely and mostScans bound how many connections are looked at closely in one look,
	// and the descriptors of how many processes are read to find their workers.
	mostClosely = 64
	mostScans   = 64
	// soughtAgain is after how long a worker is looked for again, or looked at, where the
	// answer was that no process of ours has the connection, or that it waits for its client.
	soughtAgain = 10 * time.Second
)

// due is what looks for old requests need besides the requests.
type due struct {
	closely  []uint64    // connections that are looked at closely
	missing  int         // … of which so many are not found yet
	next     int         // process that is scanned next
	usual    []int       // descriptors at which workers have had connections, the latest last
	servants map[int]int // processes that work for others, by those
}

// Due looks at those requests that are about to be as old as one of the limits, and says of
// all others what can be said without. It returns those of whom that is known, in the memory
// of the list, and leaves others for the next time. Sockets of which the kernel counts nothing
// are looked at wholly, as by Works.
func (l *Looker) Due(asked []policy.Working, limits Limits) []policy.Working {
	if !l.begin() || len(l.names) > 0 || len(l.anywhere) > 0 {
		l.worksNow(asked)
		return asked
	}
	now := time.Now()
	l.due.closely = l.due.closely[:0]
	for inode := range l.info() {
		if inode == 0 || l.tcp[inode].listens || l.ours[inode] {
			continue
		}
		j := l.follow(inode, now, limits)
		l.jobs[inode] = j
		if j.unclear && len(l.due.closely) < mostClosely {
			l.due.closely = append(l.due.closely, inode)
		}
	}
	l.forget()
	l.lookClosely(asked, now)
	return l.told(asked, now)
}

// begin begins a round, and reports whether the list has all connections of the TCP
// listeners. Then it is for the looks at descriptors, too: the kernel walks through its table
// of all connections for each, which takes some milliseconds on a host where many have just
// been closed.
func (l *Looker) begin() bool {
	l.asked = false
	l.idle.reset()
	l.round++
	if !l.proc || len(l.ports) == 0 || len(l.info()) == 0 || l.idle.part {
		return false
	}
	clear(l.tcp)
	for inode, s := range l.info() {
		l.tcp[inode] = listed{s.Listens}
	}
	l.asked, l.whole = true, true
	return true
}

// forget drops the connections that are not there any more.
func (l *Looker) forget() {
	for inode, j := range l.jobs {
		if j.seen != l.round {
			delete(l.jobs, inode)
		}
	}
}

// follow is what is known of a connection by what has gone over it since the look before.
func (l *Looker) follow(inode uint64, now time.Time, limits Limits) job {
	before, known := l.jobs[inode]
	s, j := l.info()[inode], before
	j.seen, j.traffic, j.unclear = l.round, traffic{s.Received, s.Sent}, false
	still := known && j.traffic == before.traffic
	same := known && before.works && (j.traffic.received == before.traffic.received || j.traffic.sent == before.traffic.sent)
	if !still {
		j.rests = time.Time{}
	}
	j.works = isOutstanding(s) || same
	switch {
	case isOutstanding(s):
		if !same {
			j.beginAgain(s, now)
		}
		j.unclear = j.isDue(now, limits)
	case same && still: // as when its worker was looked at
		j.unclear = j.isDue(now, limits)
	case same: // it may have answered
		j.unclear = true
	default:
		j.begun, j.passed = now, 0
		j.unclear = still && now.Sub(j.rests) >= soughtAgain
	}
	if j.unclear && j.pid == 0 && now.Sub(j.sought) < soughtAgain { // nobody can be looked at
		j.unclear = false
		j.works = isOutstanding(s) || still && j.works
	}
	return j
}

// beginAgain: the request is another one than before, or another worker's, as far as is known.
func (j *job) beginAgain(s sockdiag.TCPSocket, now time.Time) {
	j.works, j.begun, j.passed = isOutstanding(s), now, 0
	if j.works {
		j.begun = now.Add(-s.SinceReceived) // what has come last is the request, or its end
		j.sought = time.Time{}
	}
}

// isOutstanding reports whether something has come on a connection since its worker has sent
// something.
func isOutstanding(s sockdiag.TCPSocket) bool {
	return s.Info && (s.Unread != 0 || s.Received > 0 && (s.Sent == 0 || s.SinceReceived < s.SinceSent))
}

// isDue reports whether a request is about to be as old as a limit at which its worker was not
// looked at yet.
func (j *job) isDue(now time.Time, limits Limits) bool {
	age := now.Sub(j.begun) + tolerance
	return limits.Slow > 0 && age >= limits.Slow && j.passed < limits.Slow+tolerance || limits.Busy > 0 && age >= limits.Busy
}

// lookClosely looks at the workers of the connections of which that is wanted.
func (l *Looker) lookClosely(asked []policy.Working, now time.Time) {
	l.findHolders(asked, now)
	type waits struct {
		inodes  map[uint64]bool
		visible bool
	}
	seen := map[int]waits{}
	for _, inode := range l.due.closely {
		j := l.jobs[inode]
		if j.pid == 0 {
			continue // it stays unclear
		}
		if !isOutstanding(l.info()[inode]) {
			w, known := seen[j.pid]
			if !known {
				w.inodes, w.visible = waitedFor(j.pid)
				seen[j.pid] = w
			}
			if j.works = w.visible && !w.inodes[inode]; !j.works {
				j.rests = now
			}
		}
		j.unclear, j.passed = false, now.Sub(j.begun)
		l.jobs[inode] = j
	}
	for inode, j := range l.jobs {
		if j.unclear && !isOutstanding(l.info()[inode]) {
			j.works = false // that it had not answered was true at the look before
			l.jobs[inode] = j
		}
	}
}

// told completes what is said of each worker, and drops those of whom something is unclear.
func (l *Looker) told(asked []policy.Working, now time.Time) (found []policy.Working) {
	at := make(map[int]int, len(asked))
	for i, w := range asked {
		at[w.Worker] = i
	}
	unclear := make([]bool, len(asked))
	strangers := false
	for _, j := range l.jobs {
		i, ours := at[j.asked]
		if j.pid == 0 || !ours {
			strangers = strangers || j.sought.IsZero()
			continue
		}
		w := &asked[i]
		w.Holds, unclear[i] = true, unclear[i] || j.unclear
		if age := now.Sub(j.begun); j.works && (!w.Works || age > w.For) {
			w.Works, w.For = true, age
		}
	}
	found = asked[:0]
	for i, w := range asked {
		if w.Holds = w.Holds || strangers; !unclear[i] { // any may have what was not sought yet
			found = append(found, w)
		}
	}
	return found
}
