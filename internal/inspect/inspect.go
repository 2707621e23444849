// Package inspect looks whether somebody accepts, without taking a connection. An
// [Inspector] finds out whether the connections of listening sockets are accepted, and how
// long those have waited that are not: from the kernel's lists of connections
// (sock_diag(7)), and from the descriptors of workers (proc_pid_fd(5)). An [Observer] looks
// at single workers, whether they wait at the sockets (observer.go); what follows is about
// the former.
//
// A queue that gets longer says nothing about that, and a worker that does not report
// says nothing at all. Connections that were accepted have an inode number, those that
// wait have none; a TCP connection that waits tells its age ([sockdiag.Conn.Port]).
//
// Who waits is followed from look to look (queue.go), so that it is known how long those had
// waited that were accepted meanwhile, and which clients have hung up.
//
// A look takes as long as those lists are, and another process can hold it up, so it is
// made by a goroutine of its own ([Inspector.Ask]), of which there is one, only while
// there are questions. Lists and descriptors may each use a hundredth of a processor in
// the long run; what is asked for beyond that is answered as not known.
//
// Reading the descriptors takes the same user as the workers', or root (ptrace(2),
// PTRACE_MODE_READ_FSCREDS).
//
// # Diagnostics
//
// What cannot be known is not known, and never "nobody": a listener of another network
// namespace, a kind of socket that is in no list, workers of another user.
//
// # Bugs
//
// Where another service listens on the same port of another address, and this one on
// all, or with SO_REUSEPORT, the connections of both count. Connections that were reset by
// their client while they waited are in no list. A client that has only shut down its side,
// and waits for an answer, cannot be told from one that has hung up. Who waits at a Unix
// socket is not known if more than 900 to 1,900 do. Connections of TCP Fast Open are not listed
// before their handshake is over; with TCP_DEFER_ACCEPT the wait begins with the first data.
package inspect

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/policy"
)

// Question is what is to be found out. Its slices are the inspector's until it has
// answered.
type Question struct {
	// Workers are the processes whose descriptors matter.
	Workers []int
	// Lists asks for what only the kernel's lists tell: whether there are accepted
	// connections, how many, and the ages and the fate of those that wait.
	Lists bool
}

// Answer is what was found.
type Answer struct {
	policy.Evidence // its sockets in the order of the listeners; empty if no list was asked for
	// Queues are what waits, by socket; empty if no list was asked for, or none may be read
	// yet.
	Queues []Queue
	// Accepted are those that were accepted since the look before, which has seen them wait;
	// Abandoned is how many clients have hung up since then while they waited.
	Accepted  []Accepted
	Abandoned int
	// Again is after how long lists may be read again: the longer, the longer they are.
	Again time.Duration
}

// unknownQueue: nothing can be said of the queue.
var unknownQueue = Queue{Oldest: -1}

// Inspector knows the listeners. Ask and Close belong to one goroutine.
type Inspector struct {
	diag      *sockdiag.Conn
	depths    *sockdiag.Reader
	listeners []listener
	ours      map[uint32]bool // inodes of sockets that workers have from us
	lists     nowait.Allowance
	files     nowait.Allowance
	answer    Answer
	open      bool // the worker that was looked at last has sockets of ours or of clients

	once      sync.Once
	questions chan Question
}

// New returns an inspector for these listeners, which stay the caller's. others are
// further descriptors that workers have from us.
func New(listeners, others []int) *Inspector {
	i := &Inspector{
		diag: sockdiag.New(), depths: sockdiag.NewReader(), ours: map[uint32]bool{}, questions: make(chan Question, 1),
		lists: nowait.Allowance{Share: share}, files: nowait.Allowance{Share: share},
	}
	for _, fd := range others {
		i.own(fd)
	}
	for _, fd := range listeners {
		i.own(fd)
		i.listeners = append(i.listeners, describe(fd))
	}
	return i
}

// share of a processor that lists and descriptors may each use: a hundredth.
const share = 100

func (i *Inspector) own(fd int) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK {
		i.ours[uint32(st.Ino)] = true
	}
}

// Ask has a look made, and deliver called with the answer, from another goroutine. It
// does not wait. There must not be a question that was not answered yet. The answer is
// valid until the next question.
func (i *Inspector) Ask(q Question, deliver func(*Answer)) {
	i.once.Do(func() {
		go func() {
			for q := range i.questions {
				var a *Answer
				nowait.Blocking(func() { a = i.Look(q) })
				deliver(a)
			}
			_ = i.diag.Close()
		}()
	})
	i.questions <- q
}

// Close ends the goroutine when it has answered.
func (i *Inspector) Close() { close(i.questions) }

// Look makes one look. It is Ask without a goroutine.
func (i *Inspector) Look(q Question) *Answer {
	a := &i.answer
	a.Evidence = policy.Evidence{Sockets: a.Sockets[:0], Holders: a.Holders[:0], Seen: a.Seen[:0]}
	a.Queues, a.Accepted, a.Abandoned, a.Again = a.Queues[:0], a.Accepted[:0], 0, 0
	if q.Lists {
		if i.lists.Begin() {
			i.readLists(a)
			i.lists.End()
		}
		a.Again = i.lists.Rest()
	}
	if len(q.Workers) > 0 && i.files.Begin() {
		i.readWorkers(q.Workers, a)
		i.files.End()
	}
	if q.Lists && !slices.ContainsFunc(a.Queues, func(q Queue) bool { return q.Waiting > 0 }) {
		_ = i.diag.Close() // nobody waits, so there may be no further question for long
	}
	for _, h := range a.Holders {
		if h.Socket >= 0 && h.Socket < len(a.Sockets) {
			a.Sockets[h.Socket] = policy.SomebodyAccepts
		}
	}
	return a
}

// readLists reads what the kernel knows of all listeners.
func (i *Inspector) readLists(a *Answer) {
	var names map[string]int
	a.Counted = true
	for n := range i.listeners {
		l := &i.listeners[n]
		a.Sockets, a.Queues = append(a.Sockets, policy.NotKnown), append(a.Queues, unknownQueue)
		l.begin()
		i.ours[l.inode] = true
		switch {
		case l.isUnix && l.seen(i.diag):
			if names == nil {
				names = map[string]int{}
			}
			names[l.name] = n
			a.Queues[n] = l.listClients(i.diag, n, a)
		case l.isTCP && l.seen(i.diag):
			if a.Sockets[n], a.Queues[n] = l.list(i.diag, i.depths, n, a); a.Sockets[n] == policy.NotKnown {
				a.Counted = false
			}
		default:
			a.Counted = false
		}
	}
	if names != nil {
		i.readNames(names, a)
	}
	for n := range i.listeners {
		a.Held += len(i.listeners[n].accepted)
	}
}

// readNames reads the list of Unix sockets, once for all listeners.
func (i *Inspector) readNames(names map[string]int, a *Answer) {
	err := i.diag.NamedConnections(func(name []byte, inode uint32) {
		if n, ok := names[string(name)]; ok {
			i.listeners[n].accepted = append(i.listeners[n].accepted, inode)
		}
	})
	for _, n := range names {
		if err != nil {
			a.Counted = false
			continue
		}
		switch l := &i.listeners[n]; {
		case l.compare() || l.left:
			a.Sockets[n] = policy.SomebodyAccepts
		case l.queue.stays:
			a.Sockets[n] = policy.NobodyAccepts
		default:
			a.Sockets[n] = policy.NobodySeen
		}
	}
}

// contains reports whether a sorted list has a number.
func contains(list []uint32, n uint32) bool {
	_, found := slices.BinarySearch(list, n)
	return found
}
