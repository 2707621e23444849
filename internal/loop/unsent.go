package loop

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file sends signals to workers, and sends those again that the system refuses: a
// security module, a filter of system calls or a want of memory may do so for a moment, and
// a worker that has changed its user for as long as it lives. The policy asks for each
// signal once, so one that was lost would leave a worker that nobody has asked to retire,
// or one that stays stopped. Effects and quiesce.go send, a turn sends again.

// The time until a signal is sent again, doubled each time.
const (
	firstResend = 100 * time.Millisecond
	lastResend  = 5 * time.Second
)

// unsent is a signal that was refused.
type unsent struct {
	proc  *proc
	sig   unix.Signal
	group bool
	pause time.Duration
	due   policy.Instant
}

// unsents are all of them, one for each worker, and one more for SIGCONT, which goes with
// any other.
type unsents struct{ list []unsent }

// send signals a worker, or its process group. A later signal takes the place of one that
// was refused.
func (c *core) send(p *proc, sig unix.Signal, group bool) {
	if sig == 0 {
		return
	}
	c.unsents.forget(p, sig)
	err := c.seams.Signal(p.Process, sig, group)
	if err == nil || errors.Is(err, unix.ESRCH) && !group { // it has ended, as its pidfd is about to say
		return
	}
	c.say(event.NotSignalled, event.Worker(p.PID, p.generation), event.Cause(err))
	c.unsents.list = append(c.unsents.list, unsent{p, sig, group, firstResend, c.now + firstResend})
}

func (u *unsents) forget(p *proc, sig unix.Signal) {
	u.list = slices.DeleteFunc(u.list, func(e unsent) bool {
		return e.proc == p && (e.sig == unix.SIGCONT) == (sig == unix.SIGCONT)
	})
}

// resend sends those again that are due. Whoever has ended needs none.
func (c *core) resend() {
	if len(c.unsents.list) == 0 {
		return
	}
	c.unsents.list = slices.DeleteFunc(c.unsents.list, func(e unsent) bool {
		return c.isDead(e.proc) || c.now >= e.due && c.seams.Signal(e.proc.Process, e.sig, e.group) == nil
	})
	for i := range c.unsents.list {
		if e := &c.unsents.list[i]; c.now >= e.due {
			e.pause = min(2*e.pause, lastResend)
			e.due = c.now + e.pause
		}
	}
}

// next is when the first of them is due; 0 = there is none.
func (u *unsents) next() (next policy.Instant) {
	for _, e := range u.list {
		if next == 0 || e.due < next {
			next = e.due
		}
	}
	return next
}
