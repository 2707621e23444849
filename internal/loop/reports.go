package loop

import (
	"errors"
	"fmt"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// gossip is what was said of reports that were not believed.
type gossip struct {
	stranger bool // one was logged
}

// readReports drains the report socket, or reads the share of one turn.
func (l *Loop) readReports() {
	l.unread = true
	for range maxReports {
		err := l.seams.Receive(&l.message)
		if errors.Is(err, report.ErrEmpty) {
			l.unread = false
			clear(l.gone)
			return
		}
		if err != nil {
			l.apply(l.policy.StatusReadError(l.now))
			l.say(eventInternal, levelError, "reports cannot be read: "+err.Error())
			l.unread = false
			return
		}
		l.hear(&l.message)
	}
}

// hear books one report, if it is to be believed.
func (l *Loop) hear(m *report.Message) {
	p := l.sender(m)
	switch {
	case p == nil:
		l.rejectStranger(m)
	case m.Malformed != "":
		l.reject(p, "it is "+m.Malformed)
	default:
		if m.HasStatus {
			p.text = m.Status
		}
		l.book(p, m)
	}
}

func (l *Loop) book(p *proc, m *report.Message) {
	l.boardFirst(p, m)
	if !says(m) {
		return
	}
	r := translate(p, m)
	actions, verdict := l.policy.Status(l.now, r)
	if verdict == policy.Nonsense {
		l.reject(p, "X_AVAILD is neither busy nor idle")
	}
	l.measure(p, r)
	l.apply(actions)
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
func (l *Loop) sender(m *report.Message) *proc {
	if m.PID == 0 || l.gone[m.PID] {
		return nil
	}
	if p := l.procs[m.PID]; p != nil {
		if m.Inode != 0 && p.inode != 0 && m.Inode != p.inode {
			return nil
		}
		return p
	}
	if !l.cfg.DescendantsReport {
		return nil
	}
	pid, _ := l.seams.Ancestor(m.PID, func(pid int) bool { return l.procs[pid] != nil })
	return l.procs[pid]
}

// reject counts a bad report and logs it once per worker.
func (l *Loop) reject(p *proc, why string) {
	l.tally.Rejected.Reports++
	if p.gossiped {
		return
	}
	p.gossiped = true
	l.say(eventGossip, levelWarn, fmt.Sprintf(
		"a report of worker %d is ignored: %s; further ones of it are only counted", p.PID, why), "worker_pid", p.PID, "generation", p.generation)
}

// rejectStranger does the same for senders that are no workers. Datagrams of
// workers that ended meanwhile come here too; a worker's last words are no
// reason for a message.
func (l *Loop) rejectStranger(m *report.Message) {
	l.tally.Rejected.Reports++
	if l.gossip.stranger {
		return
	}
	l.gossip.stranger = true
	l.say(eventGossip, levelInfo, fmt.Sprintf(
		"reports of processes that are no workers are ignored, such as %d of user %d (a process that a worker started needs --notify-access=all); further ones are only counted",
		m.PID, m.UID))
}
