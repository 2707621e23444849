package loop

import (
	"errors"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// This file reads the report socket. A turn calls read before the Tick of the
// policy, so that no worker counts as silent whose report is only unread.

// reports are what workers say on the report socket.
type reports struct {
	*core
	board     *boardSlots
	hearForks func() // reads what templates say of workers

	batches   batches
	unread    bool         // reports beyond maxReports
	endedPIDs map[int]bool // pids that ended while reports were still unread
	message   report.Message
	stranger  bool // a report of one was logged
}

// wanted reports whether the socket is to be read in this turn.
func (r *reports) wanted(e *events) bool {
	return r.cfg.ReportFD >= 0 && (e.report || r.unread || r.batches.until > 0 || len(e.ended) > 0)
}

// ended: while reports are unread, some may be of a worker that is gone; a new worker of the
// same pid must not be taken for their sender.
func (r *reports) ended(p *proc) {
	if r.unread {
		r.endedPIDs[p.PID] = true
	}
}

// read drains the report socket, or reads the share of one turn.
func (r *reports) read() {
	r.unread = true
	r.batches.wall = r.seams.Wall().UnixNano()
	n := 0
	defer func() {
		r.batches.count(r.now, n)
		r.sockets.untaken.useless = max(0, r.sockets.untaken.useless-n)
	}()
	for ; n < maxReports; n++ {
		err := r.seams.Receive(&r.message)
		if errors.Is(err, report.ErrEmpty) {
			r.unread = false
			clear(r.endedPIDs)
			return
		}
		if err != nil {
			r.say(event.ReportsUnreadable, event.Cause(err))
			r.unread = false
			return
		}
		r.hear(&r.message)
	}
}

// hear books one report, if it is to be believed.
func (r *reports) hear(m *report.Message) {
	if m.Descriptors {
		r.batches.prompt = r.now + promptPeriod
	}
	p := r.sender(m)
	switch {
	case p == nil:
		r.rejectStranger(m)
	case m.Malformed != "":
		r.reject(p, event.Malformed.With(event.What(m.Malformed)))
	default:
		if m.HasStatus {
			p.text = m.Status
		}
		r.book(p, m)
	}
}

func (r *reports) book(p *proc, m *report.Message) {
	r.board.first(p, m)
	if !says(m) {
		return
	}
	said := translate(p, m)
	actions, verdict := r.policy.Status(r.now, said)
	if verdict == policy.Nonsense {
		r.reject(p, event.Nonsense.With())
	}
	r.measure(p, said, r.sent(m))
	r.apply(actions)
	r.busiest = max(r.busiest, r.condition().Serving)
}

// says reports whether there is anything in it for the policy.
func says(m *report.Message) bool {
	return m.Ready || m.Stopping || m.Watchdog || m.Trigger || m.Avail != report.None ||
		m.Jobs >= 0 || m.Done >= 0
}

func translate(p *proc, m *report.Message) policy.Report {
	r := policy.Report{
		Worker: p.PID, Generation: p.generation, Ready: m.Ready, Stopping: m.Stopping,
		Alive: m.Watchdog, Trigger: m.Trigger, Held: m.Jobs, Finished: m.Done,
		HasAvailable: m.Avail != report.None,
	}
	switch m.Avail {
	case report.Idle:
		r.Available = policy.Idle
	case report.Nonsense:
		r.Available = -1
	}
	return r
}

// sender is the worker that a report comes from, nil if it is not to be
// believed. A pid alone may be a dead worker's that was given away again; where
// the kernel vouches for the very process, the two must be the same.
func (r *reports) sender(m *report.Message) *proc {
	if m.PID == 0 || r.endedPIDs[m.PID] {
		return nil
	}
	if r.procs[m.PID] == nil { // a worker may have been forked this instant
		r.hearForks()
	}
	if p := r.procs[m.PID]; p != nil {
		if m.Inode != 0 && p.inode != 0 && m.Inode != p.inode {
			return nil
		}
		return p
	}
	if !r.cfg.DescendantsReport {
		return nil
	}
	pid, _ := r.seams.Ancestor(m.PID, func(pid int) bool { return r.procs[pid] != nil })
	return r.procs[pid]
}

// reject counts a bad report and logs it once per worker.
func (c *core) reject(p *proc, why error) {
	c.tally.Rejected.Reports++
	if p.rejectLogged {
		return
	}
	p.rejectLogged = true
	c.say(event.ReportRejected, event.Worker(p.PID, p.generation), event.Cause(why))
}

// rejectStranger does the same for senders that are no workers. Datagrams of
// workers that ended meanwhile come here too; a worker's last words are no
// reason for a message.
func (r *reports) rejectStranger(m *report.Message) {
	r.tally.Rejected.Reports++
	if r.stranger {
		return
	}
	r.stranger = true
	r.say(event.StrangerRejected, event.PID(m.PID), event.UID(m.UID))
}
