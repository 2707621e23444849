// Package activity finds out what a process does at a moment: whether it computes, or in
// which system call it waits, and for whom: the peer of a socket, the file of a descriptor,
// or the path that it opens. It is what makes a request that takes too long explain itself.
//
// All of it is read from /proc and asked of sock_diag(7), while the process goes on. The
// system call takes the access mode PTRACE_MODE_ATTACH_FSCREDS of ptrace(2): the same user,
// or root; Yama lets a parent look at its children; and the process must not have made
// itself undumpable (PR_SET_DUMPABLE of prctl(2)). Where it may not be seen, the state of
// the process and the kernel's function that it waits in are told instead.
//
// A look may take long, as another process's memory and lists of all sockets of the host
// are read: it belongs into a goroutine that nobody waits for. Looks may use one part in 800
// of a processor ([nowait.Allowance]); what is asked for beyond that is answered as not
// looked at.
//
// # Diagnostics
//
// None: what cannot be seen is left out, and not guessed.
//
// # Bugs
//
// Of several threads one is told: the one that most likely has the request. Which one that
// is cannot be known from outside.
package activity

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/sockdiag"
)

// Kind is what a process does, as far as can be seen.
type Kind uint8

// Kinds.
const (
	Unseen   Kind = iota // it was not looked at: too many were, or it has ended
	Computes             // it runs
	Waits                // in a system call
	Sleeps               // until a time that it has chosen itself
	Stuck                // in the kernel, and no signal ends that: a disk or a file server does not answer
	Stopped              // by a signal, or by a debugger
	Hidden               // it waits, and in which system call may not be seen
)

// Activity is what was found.
type Activity struct {
	Kind Kind
	// PID is the process that does it: the worker, or one that it has started and waits for.
	PID int
	// State is that of proc_pid_stat(5), such as S.
	State string
	// Call is the name of the system call, On what it is about; "" = there is none, or it
	// cannot be told. Where the call is Hidden, On is the kernel's function.
	Call, On string
	// CPU is how much processor time it has used within Over; Over is 0 if that was not
	// measured.
	CPU, Over time.Duration
	// Catches: it has a handler for the signal of the question.
	Catches bool
}

// Question asks about one process.
type Question struct {
	PID int
	// Signal is one for which it may have a handler; 0 = that does not matter.
	Signal unix.Signal
}

// measured is for how long it is watched how much of a processor is used. What is read is
// in ticks of 10 ms.
const measured = 200 * time.Millisecond

// Looker looks. It belongs to one goroutine.
type Looker struct {
	diag      *sockdiag.Conn
	queues    map[uint64]bool // inodes of the listening sockets
	addresses map[string]bool // … and their addresses, as a connection has them as its own
	allowance nowait.Allowance
}

// share is the part of a processor that looks may use: an eighth of a hundredth. Twice as
// much again goes into their messages, in a pool of which all requests are slow.
const share = 800

// New returns a Looker for workers of these listening sockets, which stay the caller's.
func New(listeners []int) *Looker {
	l := &Looker{
		diag: sockdiag.New(), queues: map[uint64]bool{}, addresses: map[string]bool{},
		allowance: nowait.Allowance{Share: share},
	}
	for _, fd := range listeners {
		l.listener(fd)
	}
	return l
}

// Close closes what was opened to ask the kernel.
func (l *Looker) Close() error { return l.diag.Close() }

// Look answers the questions, in their order. It takes a fifth of a second, in which it
// mostly waits: that is how a process that computes is told from one that has just run.
func (l *Looker) Look(questions []Question) []Activity {
	answers := make([]Activity, len(questions))
	before := make([]int64, len(questions))
	nowait.Blocking(func() {
		if l.allowance.Begin() {
			l.first(questions, answers, before)
			l.allowance.End()
		}
	})
	begin := time.Now()
	time.Sleep(measured)
	nowait.Blocking(func() {
		l.allowance.BeginAnyway() // what was begun is finished, and costs the next look
		for i := range answers {
			if a := &answers[i]; a.Kind != Unseen {
				a.measure(before[i], begin)
				l.again(a)
			}
		}
		l.allowance.End()
	})
	return answers
}

// first looks at all of them, and asks about all of their sockets at once.
func (l *Looker) first(questions []Question, answers []Activity, before []int64) {
	sockets := sockets{looker: l}
	found := make([][]doing, len(questions))
	for i, q := range questions {
		pid := procfs.Servant(q.PID)
		cpu, alive := procfs.CPUTime(pid)
		if !alive {
			continue
		}
		before[i] = cpu
		answers[i].PID = pid
		answers[i].Catches = q.Signal != 0 && procfs.Handles(q.PID, q.Signal)
		found[i] = l.doing(pid)
		sockets.want(found[i])
	}
	sockets.ask()
	for i := range answers {
		if a := &answers[i]; a.PID != 0 {
			d := sockets.pick(found[i])
			d.describe(a, &sockets)
		}
	}
}

// measure books how much of a processor was used since a moment, by which one that always
// runs when it is looked at is told from one that happened to.
func (a *Activity) measure(before int64, begin time.Time) {
	now, alive := procfs.CPUTime(a.PID)
	if !alive {
		return
	}
	a.CPU, a.Over = time.Duration(now-before), time.Since(begin)
	if a.Kind != Stopped && a.Kind != Stuck && a.CPU*2 >= a.Over {
		a.Kind = Computes // in between it may have been inside of a call, which is then no wait
	}
}

// again looks a second time at a process that has used little of a processor, and happened
// to run at the first look.
func (l *Looker) again(a *Activity) {
	if a.Kind != Computes || a.Over == 0 || a.CPU*2 >= a.Over {
		return
	}
	list := l.doing(a.PID)
	sockets := sockets{looker: l}
	sockets.want(list)
	sockets.ask()
	if d := sockets.pick(list); d.state != 0 && d.state != 'R' {
		d.describe(a, &sockets)
	}
}
